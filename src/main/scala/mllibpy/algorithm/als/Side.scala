package mllibpy.algorithm.als

/** The two sides of a rating. A half-step solves one side against the other. */
sealed abstract class Side(val name: String, val number: Int) extends Serializable {
  def other: Side
}

object Side {
  val all: Seq[Side] = Seq(User, Item)

  /** Something for each side. */
  def map[T](f: Side => T): Map[Side, T] = all.map(s => s -> f(s)).toMap

  case object User extends Side("user", 0) { def other: Side = Item }
  case object Item extends Side("item", 1) { def other: Side = User }
}
