# Shared by the scripts of this folder: named parts with times, and a summary
# that knows which parts must have run.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
ran=()
export GOFLAGS="${GOFLAGS:-} -count=1 -trimpath" # a result out of the cache is no run
export CGO_ENABLED=0                             # as the program is built, so that all of it is compiled once

# part NAME COMMAND... runs a part, shows its output and stops at a failure.
part() {
	local name=$1
	shift
	echo "==> $name: $*"
	local from=$SECONDS
	if ! "$@" 2>&1 | tee "$logs/$name"; then
		echo "FAILED: $name" >&2
		exit 1
	fi
	ran+=("$name")
	echo "==> $name passed in $((SECONDS - from)) s"
}

# folders DIR... fails if a folder holds no Go package, because ./dir/... of
# nothing would pass in silence.
folders() {
	local dir
	for dir in "$@"; do
		if [ -z "$(go list "./$dir/..." 2>/dev/null)" ]; then
			echo "no Go package in $dir" >&2
			return 1
		fi
	done
}

# demo plays the campaign as a newcomer would, in less than two minutes.
demo() {
	go build -o "$logs/lumbung" ./cmd/lumbung && timeout 120 "$logs/lumbung" demo campaign --exit
}

# tested NAME PATTERN... fails unless the log of a part shows results of every
# package of the patterns that has tests.
tested() {
	local name=$1 pkg count=0
	shift
	for pkg in $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' "$@"); do
		if ! grep -E "^ok[[:space:]]+$pkg[[:space:]]" "$logs/$name" | grep -vqE 'no tests to run'; then
			echo "FAILED: $name did not test $pkg" >&2
			exit 1
		fi
		count=$((count + 1))
	done
	if [ "$count" -eq 0 ]; then
		echo "FAILED: $name knows of no package with tests" >&2
		exit 1
	fi
	echo "$name: all $count packages with tests were tested"
}

# says NAME PATTERN fails unless the log of a part matches.
says() {
	if ! grep -qE "$2" "$logs/$1"; then
		echo "FAILED: $1 ended well and never said $2" >&2
		exit 1
	fi
}

# ran_seeds NAME N [STORES] fails unless the summaries of so many stores, or two,
# say that at least N seeds were run on each.
ran_seeds() {
	local name=$1 least=$2 want=${3:-2} stores
	stores=$(grep -oE '^[0-9]+ seeds, [0-9]+ edits' "$logs/$name" | awk -v n="$least" '$1 >= n' | wc -l)
	if [ "$stores" -lt "$want" ]; then
		echo "FAILED: $name did not finish $least seeds on $want stores" >&2
		exit 1
	fi
}

# passed NAME TEST... fails unless the log of a part shows that each test passed:
# "ok" alone stands there too when there was none to run, or all were skipped.
passed() {
	local name=$1 test
	shift
	for test in "$@"; do
		says "$name" "^ *--- PASS: $test "
	done
}

# on_mongo SEEDS [STORIES] runs what there is on MongoDB's protocol. STORIES are names
# of tests with | between them; all are run if none is given.
on_mongo() {
	local stories=() story
	part mongo make --no-print-directory test-mongo MONGOSEEDS="$1" STORIES="${2:-.}"
	says mongo '^ *--- PASS: TestTheStoreKeepsThePromises/the_store_does_what_a_simple_model_does' # not only their parent, which passes when all are skipped
	says mongo '^ *--- PASS: TestIdentityKeepsThePromises/an_erased_user_gives_the_phone_back'
	says mongo '^ *--- PASS: TestACrashAtAnyCommandIsFinishedByTheNext'
	says mongo '^ *--- PASS: TestAWriteOutlivesAFault/add_to_a_total,_and_it_is_written'
	says mongo '^ *--- PASS: TestAWatchOutlivesAFault/an_error_behind_which_the_stream_can_go_on'
	says mongo '^ *--- PASS: TestAStepDownLosesNothing'
	IFS='|' read -ra stories <<<"${2:-TestAnAppOnTheBinding|TestTheWrongAmountInEveryOrder|TestAHandoverAfterAMerger|TestLagawiFest}"
	for story in "${stories[@]}"; do
		says mongo "^--- PASS: $story"
	done
	passed mongo TestProcessesOnMongoDBDieBetweenCommands TestASeedPlaysTheSameTwice TestAHundredPhonesAwayForTwoHundredDays # internal/sim
	says mongo '[0-9]+ phones away from MongoDB'
	passed mongo Test{FiftyParallelRefreshesMakeOneNewToken,OfAHundredParallelAnswersOneSucceeds}/in_MongoDB # auth
	tested mongo ./store/mongo ./internal/play ./internal/sim ./auth
	says mongo 'seeds from [0-9]+ on the MongoDB store'
	ran_seeds mongo "$1" 1
}

# with_strace installs strace where it is not: without it nothing is killed inside the
# database, and no disk is spoilt.
with_strace() {
	command -v strace >/dev/null && return
	apt-get update -qq && apt-get install -y -qq strace || {
		echo "FAILED: strace is not there, and cannot be installed" >&2
		exit 1
	}
}

# crashed KILLS fails unless the log of the part crash says what the kills, the cuts and
# the disks left.
crashed() {
	says crash "^$1 kills of the server under load"
	says crash '^ *[0-9]+ +at (append|erase|prune)[.](before|after)$'
	says crash '^ *[0-9]+ +before pwrite64 of the '
	says crash '^  [1-9][0-9]* edits typed, [1-9][0-9]* verdicts told, 0 missing, 0 doubled, 0 nobody.s; [1-9] real phones, 0 apart; doctor true$'
	says crash '^[1-9][0-9]* cuts of the power'
	says crash '^  [1-9][0-9]* verdicts held against what was left, 0 missing; 0 databases unsound$'
	says crash '^bound of the file$'
	says crash '^every fsync fails$'
	says crash '^full disk$'
}

# required NAME... fails unless every named part ran.
required() {
	local name
	for name in "$@"; do
		if [[ " ${ran[*]} " != *" $name "* ]]; then
			echo "FAILED: the part $name did not run" >&2
			exit 1
		fi
	done
	echo "all parts passed in $SECONDS s: ${ran[*]}"
}

# the_quick_parts are those of every change.
the_quick_parts() {
	part build go build ./...
	part vet make --no-print-directory vet
	part fmt make --no-print-directory fmt
	part lint make --no-print-directory lint
	part generated make --no-print-directory generated
	part test make --no-print-directory test
	tested test ./...
	part terminals go test ./cmd/lumbung -run 'Terminal|APassword' -v # skipped where there are no terminals, which there are here
	passed terminals TestAtATerminalAPasswordIsNotShown TestWhoGoesAwayFromAPasswordSeesWhatTheyType
	part demo demo
	says demo '478 → 212 → 96 → 30 [+] 10 reserve [+] 56; 30 businesses in 31 memberships, 720 tasks'
	part folders folders sync auth client store
	part bind .ci/bind
	says bind '^bound all [0-9]+ exported functions'
	part race make --no-print-directory race
	tested race ./sync/... ./auth/... ./client/... ./store/...
}
