package api

import (
	"errors"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// route is one operation of openapi.yaml.
type route struct {
	method, path string   // path as the specification writes it
	open         bool     // answered without proof of identity
	free         bool     // not metered: what machines of the operator ask
	document     bool     // the same for everybody: an address has a budget for it of its own
	bySession    bool     // metered by what it proves, in its handler
	once         bool     // needs an Idempotency-Key
	young        bool     // wants a proof of identity that was given just now
	apart        bool     // takes no place among those that are worked on: it costs next to nothing, or waits itself
	long         bool     // waits for news as long as it was asked to, which is not slow
	whole        bool     // reads a whole programme or the whole country: an export, for the gate
	query        []string // parameters that it reads; another one is refused. Nil: nobody asks
	do           func(*call) error
}

// Operation names a route.
type Operation struct{ Method, Path string }

// Operations lists every route, as openapi.yaml writes them.
func (s *Server) Operations() []Operation {
	var out []Operation
	for _, r := range s.routes() {
		out = append(out, Operation{r.method, r.path})
	}
	return out
}

// The statements of the table below.
func get(path string, do func(*call) error) route {
	return route{method: fiber.MethodGet, path: path, do: do}
}
func post(path string, do func(*call) error) route {
	return route{method: fiber.MethodPost, path: path, do: do}
}
func patch(path string, do func(*call) error) route {
	return route{method: fiber.MethodPatch, path: path, do: do}
}
func put(path string, do func(*call) error) route {
	return route{method: fiber.MethodPut, path: path, do: do}
}
func del(path string, do func(*call) error) route {
	return route{method: fiber.MethodDelete, path: path, do: do}
}
func (r route) toAll() route      { r.open = true; return r }
func (r route) toReaders() route  { r.open, r.document = true, true; return r }
func (r route) toSessions() route { r.open, r.bySession = true, true; return r }
func (r route) toMachines() route { r.open, r.free, r.apart = true, true, true; return r }
func (r route) waits() route      { r.apart, r.long = true, true; return r }
func (r route) onlyOnce() route   { r.once = true; return r }
func (r route) fresh() route      { r.young = true; return r }
func (r route) ofAll() route      { r.whole = true; return r }

// by names what a list is narrowed by.
func (r route) by(query ...string) route { r.query = query; return r }

// pages names what every list in pages is asked with, beside its filters.
func (r route) pages(filters ...string) route { return r.by(append(filters, "after", "limit")...) }

func (s *Server) routes() []route {
	const business, programme, announcement = "/v1/businesses/{business}", "/v1/programmes/{programme}", "/v1/announcements/{announcement}"
	return []route{
		post("/v1/sync", s.sync), post("/v1/sync/push", s.push), post("/v1/sync/pull", s.pull),
		get("/v1/sync/live", s.live).waits(), get("/v1/sync/wait", s.wait).waits(),

		post("/v1/auth/code", s.requestCode).toAll(), post("/v1/auth/login", s.login).toAll(), post("/v1/auth/refresh", s.refresh).toSessions(),
		post("/v1/auth/password", s.passwordLogin).toAll(), post("/v1/auth/setup", s.setUp).toAll(), post("/v1/auth/setup/confirm", s.confirmSetup).toAll(),
		post("/v1/auth/step-up", s.stepUp), post("/v1/auth/logout", s.logout), get("/.well-known/jwks.json", s.jwks).toReaders(),

		get("/v1/me", s.me), post("/v1/me/password", s.changePassword),
		get("/v1/me/sessions", s.sessions), del("/v1/me/sessions", s.endSessions), del("/v1/me/sessions/{session}", s.endSession),
		get("/v1/me/devices", s.devices), del("/v1/me/devices/{device}", s.revokeDevice), post("/v1/me/devices/{device}/incarnations", s.newIncarnation),
		put("/v1/me/devices/{device}/push", s.registerPush), del("/v1/me/devices/{device}/push", s.leavePush),

		post("/v1/businesses", s.createBusiness).onlyOnce(), get("/v1/businesses", s.businesses), get(business, s.business),
		post(business+"/members", s.addMember).onlyOnce(), get(business+"/members", s.members), patch(business+"/members/{member}", s.changeMember),
		post(business+"/assignments", s.assign).onlyOnce(), get(business+"/assignments", s.assignments), patch(business+"/assignments/{assignment}", s.changeAssignment),
		get(business+"/health", s.health), get(business+"/totals", s.totals).by("from", "to"), get(business+"/notes", s.notes), post(business+"/merge", s.mergeBusiness).onlyOnce(),
		post(business+"/tasks/{task}/events", s.operateTask).onlyOnce(), post(business+"/cases/{case}/events", s.operateCase).onlyOnce(),
		post(business+"/applications/{application}/events", s.operateApplication).onlyOnce(),
		post(business+"/sales/{entry}/adjustments", s.adjustSale).onlyOnce(),
		get(business+"/records/{collection}/{id}", s.record), patch(business+"/records/{collection}/{id}", s.changeRecord),

		get("/v1/mentors", s.mentors).ofAll().pages("free", "region", "track"), get("/v1/mentors/{mentor}/profile", s.mentorProfile), put("/v1/mentors/{mentor}/profile", s.changeMentorProfile),
		get("/v1/mentors/{mentor}/caseload", s.caseload).ofAll().pages(), post("/v1/mentors/{mentor}/handover", s.handover).onlyOnce(), get("/v1/jobs/{job}", s.job),
		get("/v1/reference/{list}", s.reference).by("name"), post("/v1/reference/{list}", s.addReference).onlyOnce(), patch("/v1/reference/{list}/{code}", s.changeReference),

		get("/v1/plan-templates", s.planTemplates).pages(), post("/v1/plan-templates", s.createPlanTemplate).onlyOnce(),
		get("/v1/programmes", s.programmes).pages("status"), post("/v1/programmes", s.createProgramme).onlyOnce(),
		get(programme, s.programme), patch(programme, s.changeProgramme), post(programme+"/status", s.advanceProgramme).onlyOnce(),
		post(programme+importPath, s.importRegistrants).onlyOnce().fresh().ofAll(), post(programme+importPath+"/check", s.checkImport).ofAll(), get(programme+"/files", s.caseFiles).ofAll().pages("category", "region", "state"),
		get(programme+"/files/{file}", s.caseFile), patch(programme+"/files/{file}", s.adviseOwner).fresh(),
		get(programme+"/enrolments", s.enrolments).ofAll().pages("province", "state"), post(programme+"/enrolments/{enrolment}/events", s.operateEnrolment).onlyOnce(),
		get(programme+"/curators", s.curators).ofAll().pages(), post(programme+"/curators", s.addCurator).onlyOnce().fresh(), patch(programme+"/curators/{curator}", s.changeCurator).fresh(),
		post(programme+"/begin", s.beginCuration).onlyOnce().ofAll(),
		get(programme+"/stages/{stage}", s.stage).ofAll(), post(programme+"/stages/{stage}/shares", s.shareFiles).onlyOnce().ofAll(),
		post(programme+"/stages/{stage}/decision", s.decideStage).onlyOnce().fresh().ofAll(), post(programme+"/stages/{stage}/approval", s.approveStage).onlyOnce().fresh().ofAll(),
		post(programme+"/sheets/{sheet}/reopening", s.reopenSheet).onlyOnce().fresh(),
		get(programme+"/publication", s.publication), post(programme+"/publication", s.preparePublication).onlyOnce().fresh(),
		post(programme+"/publication/approval", s.approvePublication).onlyOnce().fresh(), post(programme+"/publication/withdrawal", s.withdrawPublication).onlyOnce().fresh(),

		get("/v1/announcements", s.announcements).pages("state"), post("/v1/announcements", s.createAnnouncement).onlyOnce(),
		get(announcement, s.announcement), patch(announcement, s.changeAnnouncement).ofAll(), get(announcement+"/preview", s.previewAnnouncement).ofAll(),
		post(announcement+"/operations", s.operateAnnouncement).onlyOnce().fresh().ofAll(), get(announcement+"/versions", s.announcementVersions),
		post(announcement+"/versions", s.correctAnnouncement).onlyOnce().fresh(), get(announcement+"/receipts", s.announcementReceipts).ofAll().by("after"),

		get("/v1/reviews", s.reviews).ofAll().pages(), post("/v1/reviews/{review}/resolution", s.resolveReview).onlyOnce(), post("/v1/admin/attest", s.attest).fresh(),
		get("/v1/admin/users", s.people).pages("phone", "role", "status"), post("/v1/admin/users", s.inviteUser).onlyOnce().fresh(),
		post("/v1/admin/users/{user}/rights", s.changeRights).onlyOnce().fresh(), post("/v1/admin/users/{user}/factor", s.proposeFactor).onlyOnce().fresh(),
		get("/v1/admin/approvals", s.approvals).pages("state"), post("/v1/admin/approvals/{approval}/decision", s.decideApproval).onlyOnce().fresh(),
		post("/v1/admin/approvals/{approval}/token", s.approvedToken).fresh(), get("/v1/admin/audit", s.audit).ofAll().pages("actor", "from", "session", "subject", "to"),
		get("/v1/admin/push", s.pushFigures), get("/v1/admin/push/deliveries", s.pushDeliveries).pages("state"), post("/v1/admin/push/deliveries/{delivery}/replay", s.replayPush).onlyOnce().fresh(),
		post("/v1/admin/push/check", s.checkPush).fresh(),

		get("/healthz", s.healthz).toMachines(), get("/readyz", s.readyz).toMachines(), get("/version", s.version).toMachines(),
		get("/openapi.yaml", s.specification).toReaders(), get("/docs", s.page).toReaders(), get("/docs/{file}", s.docsFile).toReaders(),
	}
}

// fiberPath writes "/v1/x/{id}" as "/v1/x/:id".
func fiberPath(path string) string {
	return strings.ReplaceAll(strings.ReplaceAll(path, "{", ":"), "}", "")
}

// inner is around every route: who asks, how often, and then the handler.
func (s *Server) inner(r route) fiber.Handler {
	scopes := r.scopesOf()
	return func(c *fiber.Ctx) error {
		x := s.call(c)
		x.route, x.long, x.note.trail = r.path, r.long, s.Trail
		if s.Refuse != nil && !r.free {
			if err := s.Refuse(); err != nil {
				return err
			}
		}
		var at *place
		defer func() { at.leave() }()
		if !r.apart {
			var err error
			if at, err = s.take(x.ctx, min(s.classOf(x, r), fetch)); err != nil { // an export proves who asks first, as everybody does
				return err
			}
		}
		if r.open {
			if m := s.ofAddress(r); m != nil {
				if err := s.meterIn(c, m, x.ip.String()); err != nil {
					return err
				}
			}
			return s.opened(x, r)
		}
		if err := s.identify(x); err != nil {
			return err
		}
		if err := s.meterPerson(x); err != nil {
			return err
		}
		for _, scope := range scopes(x) {
			x.touched(scope)
		}
		if x.fresh = s.Auth.Fresh(x.who); r.young && !x.fresh {
			return programme.StepUpRequired()
		}
		if r.whole {
			at.leave()
			var err error
			if at, err = s.take(x.ctx, export); err != nil {
				return err
			}
		}
		return s.opened(x, r)
	}
}

// scopesOf are those with which a request has to do by its address: what its parameters
// name; where everything of its kind stands; or else that of who asks. What a sync has to do
// with stands in its body.
func (r route) scopesOf() func(*call) []string {
	named := map[string]func(string) string{"business": func(b string) string { return domain.ScopeBusiness + "/" + b }, "programme": domain.DecisionScope,
		"announcement": domain.AnnouncementScope, "mentor": merge.UserScope, "user": merge.UserScope}
	for name, scope := range named {
		if strings.Contains(r.path, "{"+name+"}") {
			return func(x *call) []string {
				if of := x.Params(name); id.Valid(of) { // anything else may be a number
					return []string{scope(of)}
				}
				return nil
			}
		}
	}
	for prefix, scope := range map[string]string{"/v1/reference": domain.ScopeReference, "/v1/programmes": domain.ScopeProgrammes, "/v1/plan-templates": domain.ScopeProgrammes,
		"/v1/announcements": domain.GeneralQueue, "/v1/jobs": domain.GeneralQueue, "/v1/reviews": domain.GeneralQueue, "/v1/admin/approvals": domain.GeneralQueue, "/v1/admin/audit": domain.ScopeAudit} {
		if strings.HasPrefix(r.path, prefix) {
			return func(*call) []string { return []string{scope} }
		}
	}
	if strings.HasPrefix(r.path, "/v1/sync") {
		return func(*call) []string { return nil }
	}
	return func(x *call) []string { return []string{merge.UserScope(x.who.User)} }
}

// ofAddress is what a route without proof is charged to, of its address; nil: to nothing.
// Who reads documents uses nothing of those who log in beside them.
func (s *Server) ofAddress(r route) *meter {
	switch {
	case r.free, r.bySession:
		return nil
	case r.document:
		return &s.documents
	}
	return &s.addresses
}

// opened lets a route do its work on what the body holds, and packs its answer. Those that
// wait, and probes, have no body that they look at. What is sent without a proof must not
// be packed: to inflate it would cost more than to answer it.
//
// Errors: those of the route; Unsupported "encoding_unsupported"; Unreadable "query_invalid"
// with a parameter that the route does not know: a misspelt filter would show everything.
func (s *Server) opened(x *call, r route) error {
	if r.query != nil {
		for name := range x.Queries() {
			if !slices.Contains(r.query, name) {
				return badQuery(strings.ToValidUTF8(strings.Clone(name[:min(len(name), 64)]), "?"))
			}
		}
	}
	switch encoding := encodingOf(x.Ctx); {
	case r.apart:
	case r.open && encoding != "" && encoding != "identity":
		return unsupported("a packed body without a proof")
	default:
		if err := s.unpacked(x); err != nil {
			return err
		}
	}
	do := r.do
	if r.once {
		do = func(x *call) error { return s.once(x, r) }
	}
	if err := s.noted(x, do(x)); err != nil {
		return err
	}
	return s.pack(x)
}

// unpacked is openBody, counted while it waits and works.
func (s *Server) unpacked(x *call) error {
	if encoding := encodingOf(x.Ctx); encoding != "" && encoding != "identity" {
		s.inflating.Add(1)
		defer s.inflating.Add(-1)
	}
	return s.openBody(x)
}

// identify finds out who asks. A failed proof is charged to its address.
//
// Errors: those of auth.Authenticate, and Unauthorized "token_missing".
func (s *Server) identify(x *call) error {
	kind, token, _ := strings.Cut(x.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(kind, "Bearer") || token == "" {
		return s.failed(x, &fault.Error{Kind: fault.Unauthorized, Code: "token_missing", Text: "no bearer token", Info: map[string]any{"keep_outbox": true}})
	}
	who, err := s.Auth.Authenticate(x.ctx, token)
	if err != nil {
		return s.failed(x, err)
	}
	x.who = who
	return nil
}

// failed charges a forged proof to its address. Good proofs from there are not
// touched by it: a whole mobile network may be behind one address.
func (s *Server) failed(x *call, err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Unauthorized && (f.Code == "token_invalid" || f.Code == "refresh_invalid") {
		if limited := s.meterIn(x.Ctx, &s.failures, x.ip.String()); limited != nil {
			return limited
		}
	}
	return err
}

func notFound() error {
	return &fault.Error{Kind: fault.NotFound, Code: "not_found", Text: "absent, or not the caller's"}
}
