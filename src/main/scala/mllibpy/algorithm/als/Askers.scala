package mllibpy.algorithm.als

/** Who asks, in the order of the answer: the rows of those that the model knows, -1 for others, and
  * what each may and may not find.
  *
  * @param allow
  *   rows to choose from, for those that have a list
  * @param deny
  *   rows to leave out
  */
final class Askers(
    val rows: Array[Int],
    allow: RowLists = RowLists.none,
    deny: RowLists = RowLists.none
) extends Serializable {
  def size: Int = rows.length

  /** What the asker at a place may find, ascending, or null where that is anything. */
  def allowed(place: Int): Array[Int] = allow.at(place)

  /** What the asker at a place may not find, ascending. */
  def denied(place: Int): Array[Int] = {
    val list = deny.at(place)
    if (list == null) Array.emptyIntArray else list
  }
}

/** Lists of rows for some of those who ask.
  *
  * @param numbers
  *   the number of each asker's list, -1 where it has none; empty where nobody has one
  * @param lists
  *   rows, each list ascending, none twice
  */
final class RowLists(numbers: Array[Int], lists: Array[Array[Int]]) extends Serializable {

  /** The list of the asker at a place, or null. */
  def at(place: Int): Array[Int] =
    if (numbers.isEmpty || numbers(place) < 0) null else lists(numbers(place))
}

object RowLists {
  val none: RowLists = new RowLists(Array.emptyIntArray, Array.empty)
}
