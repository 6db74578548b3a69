package mllibpy.api

import com.fasterxml.jackson.databind.JsonNode
import mllibpy.algorithm.als.{AlsModel, Askers, FactorTable, Question, RowLists, Side}
import mllibpy.engine.InvalidInput

/** What Python asks of a model: "items", "users", "similar items" or "similar users" for some ids.
  *
  * The JSON has `kind`, `n` (how many ids; below 0: all, in their order), `k` and `exclude_seen`;
  * `allow` and `deny` where there are such: the number of ids in a list for all, or `{"askers",
  * "pairs"}` for a list for each of some askers. Arrays stand in the file in that order: ids; of
  * `allow`, then of `deny`, the list, or the askers, for each pair the number of its asker (int32),
  * and for each pair the id.
  */
final class Asking private (m: AlsModel, in: ArrayReader, j: JsonNode) {
  private val kind = j.get("kind").asText
  private val byUser = kind == "items" || kind == "similar users"
  private val findsUsers = kind == "users" || kind == "similar users"
  private val asking = Asking.table(m, byUser)
  private val finding = Asking.table(m, findsUsers)

  /** Who asks, and what can be found (by row). */
  val askers: Ids = if (j.get("n").asInt < 0) Ids.of(asking) else read(j.get("n").asInt, asking)
  def found: Ids = Ids.of(finding)

  private val rows: Array[Int] = askers.rowsIn(asking)
  ColdStart.check(m, rows, if (byUser) "user" else "item")
  private val (allowed, allow) = choice("allow")
  private val (denied, deny) = choice("deny")

  /** How many are unknown to the model and get nothing, unless that was asked for. */
  def unknown: Int = m.params.coldStart match {
    case "drop"                       => 0
    case "popular" if kind == "items" => 0
    case _                            => rows.count(_ < 0)
  }

  def question: Question = {
    val who = new Askers(rows, allow, deny)
    val k = j.get("k").asInt
    val excludeSeen = j.get("exclude_seen").asBoolean
    kind match {
      case "items"         => m.itemsFor(who, k, excludeSeen, candidates)
      case "users"         => m.usersFor(who, k, excludeSeen, candidates)
      case "similar items" => m.similarTo(who, Side.Item, k, candidates)
      case _               => m.similarTo(who, Side.User, k, candidates)
    }
  }

  private def read(n: Int, t: FactorTable): Ids = Ids.read(in, n, t.names != null)

  /** The rows of a list for all, if there is one, and the lists for each. */
  private def choice(name: String): (Option[Array[Int]], RowLists) = j.get(name) match {
    case null            => (None, RowLists.none)
    case n if n.isNumber =>
      (Some(read(n.asInt, finding).rowsIn(finding).filter(_ >= 0)), RowLists.none)
    case each => (None, lists(each.get("askers").asInt, each.get("pairs").asInt))
  }

  private def lists(n: Int, pairs: Int): RowLists = {
    val owners = read(n, asking)
    val number = (0 until n).map(i => owners.at(i) -> i).toMap
    val of = in.ints(pairs)
    val rows = read(pairs, finding).rowsIn(finding)
    val lists = Array.fill(n)(Array.newBuilder[Int])
    for (i <- of.indices if rows(i) >= 0) lists(of(i)) += rows(i)
    new RowLists(
      Array.tabulate(askers.size)(i => number.getOrElse(askers.at(i), -1)),
      lists.map(_.result().distinct.sorted)
    )
  }

  /** Rows that anybody may find, ascending; None where that is all. */
  private def candidates: Option[Array[Int]] =
    if (allowed.isEmpty && denied.isEmpty) None
    else {
      val open = Array.fill(finding.size)(allowed.isEmpty)
      allowed.foreach(_.foreach(open(_) = true))
      denied.foreach(_.foreach(open(_) = false))
      Some(Array.range(0, finding.size).filter(open(_)))
    }
}

object Asking {
  def of(m: AlsModel, path: String, meta: JsonNode): Asking = {
    val in = new ArrayReader(path)
    try new Asking(m, in, meta)
    finally in.close()
  }

  private def table(m: AlsModel, users: Boolean): FactorTable = if (users) m.users else m.items
}

/** What to do about ids that were not in the training data. */
private object ColdStart {
  def check(m: AlsModel, rows: Array[Int], what: String): Unit =
    if (m.params.coldStart == "error") {
      val unknown = rows.count(_ < 0)
      InvalidInput.unless(
        unknown == 0,
        s"$unknown of the ${what}s asked for were not in the training data; leave them out, or choose another cold_start"
      )
    }
}
