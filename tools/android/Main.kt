import client.Client
import org.json.JSONObject
import java.util.UUID

// What docs/android.md shows, step by step against a real server: two phones of
// one owner. Fails with the first step that is not as the page says.
fun main(args: Array<String>) {
    val (server, folder, day) = args
    val number = "0811-7000-001"
    val a = openPhone("$folder/a.db", server, UUID.randomUUID().toString(), "boot-1")
    val b = openPhone("$folder/b.db", server, UUID.randomUUID().toString(), "boot-1")
    step("nobody is logged in yet") { syncQuietly(a) == "login" }
    for (phone in listOf(a, b)) login(phone, number, askForCode(phone, number), "482915")
    val place = firstSync(a).first { it.getString("name") == "Rafins Snack" }
    firstSync(b)
    val scope = place.getString("scope")
    step("the owner sees a whole business") { place.getBoolean("complete") && place.getJSONArray("roles").toList().contains("owner") }

    val before = JSONObject(a.totals(scope, day, day)).getJSONObject("all").getLong("amount_idr")
    val sale = sell(a, scope, 1_250_000, day)
    step("a sale is there at once, and marked") { mark(a, scope, "sales", sale) == "pending" && a.unsentCount() == 1L }
    step("it counts before it is sent") { soldInWords(a, scope, day, day) == Client.formatRupiah(before + 1_250_000) + " (Rp1,25 juta belum terkirim)" }
    val again = JSONObject().put("sold_on", day).put("channel", "store").put("payment", "cash").put("amount_idr", 1_250_000).put("granularity", "single")
    step("a second tap is warned of") { hints(a, scope, again).any { it.contains("baru saja") } }
    step("amounts are read as people write them") { typed(a, "1,25 juta") == (1_250_000L to false) }
    step("a week can be shared") { weekToShare(a, scope, day).startsWith("Penjualan Rafins Snack\n") }
    step("a sync is quiet") { syncQuietly(a) == null }
    step("then it is sent") { mark(a, scope, "sales", sale) == "sent" && a.unsentCount() == 0L }

    val business = place.getString("id")
    a.save(scope, "business", business, """{"address":"Jalan Kartini 1"}""")
    Thread.sleep(1100) // the second edit is the later one, by the clock of the one machine
    b.save(scope, "business", business, """{"address":"Jalan Kartini 7"}""")
    for (phone in listOf(b, a, b, a)) phone.sync()
    val lost = lostByMe(a, scope).filter { it.getString("field") == "address" }
    step("what lost is in the journal") { lost.size == 1 && lost[0].getString("lost") == "Jalan Kartini 1" && lost[0].getString("kept") == "Jalan Kartini 7" }
    useMine(a, scope, lost[0])
    for (phone in listOf(a, b)) phone.sync()
    step("and back on both phones") { listOf(a, b).all { JSONObject(it.row(scope, "business", business)).getJSONObject("fields").getString("address") == "Jalan Kartini 1" } }

    val redrawn = java.util.concurrent.Semaphore(0)
    val watch = toFront(b) { redrawn.release() }
    val seen = sell(a, scope, 77_000, day)
    a.sync()
    val until = System.nanoTime() + 20_000_000_000
    while (b.row(scope, "sales", seen) == "" && System.nanoTime() < until) redrawn.tryAcquire(1, java.util.concurrent.TimeUnit.SECONDS)
    step("a phone that watches sees what the other one sold") { b.row(scope, "sales", seen) != "" }
    hurry(b)
    watch.stop()

    for (tries in 1..50) { a.sync(); if (inbox(a).any { it.getString("type") == "edit_lost" }) break; Thread.sleep(200) }
    val told = inbox(a).first { it.getString("type") == "edit_lost" }
    opened(a, told)
    step("the owner was told, and has read it") { inbox(a).first { it.getString("id") == told.getString("id") }.getBoolean("read") }

    a.save(scope, "sales", "", """{"sold_on":"$day","channel":"marketplace","payment":"cash","amount_idr":5000,"granularity":"single"}""")
    a.sync()
    step("what breaks a rule is refused alone") { refused(a).any { it.getString("code") == "marketplace_required" && it.getString("title") != "" } }
    step("an error begins with its code") { try { a.save(scope, "nothing", "", "{}"); false } catch (e: Exception) { Client.codeOf(e.message) == "unknown_collection" } }
    a.logout()
    b.close()
    step("after a logout the rows are gone") { a.rows(scope, "sales") == "[]" }
    println("every step of docs/android.md went as it says")
    System.exit(0)
}

fun step(what: String, holds: () -> Boolean) {
    if (!holds()) { System.err.println("not so: $what"); System.exit(1) }
    println("ok: $what")
}
