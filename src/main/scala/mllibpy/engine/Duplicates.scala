package mllibpy.engine

/** What to do where a (row, column) pair occurs more than once. */
sealed abstract class Duplicates(val name: String) extends Serializable

object Duplicates {

  /** Refuse: the caller reports what was found. */
  case object Refuse extends Duplicates("error")

  /** Add the values up, smallest first in float64, so that their order does not matter. */
  case object Sum extends Duplicates("sum")

  /** The mean, summed likewise. */
  case object Mean extends Duplicates("mean")

  /** The latest by time where there are times, else the last of the input. */
  case object Last extends Duplicates("last")

  val all: Seq[Duplicates] = Seq(Refuse, Sum, Mean, Last)
  def named(name: String): Option[Duplicates] = all.find(_.name == name)
}
