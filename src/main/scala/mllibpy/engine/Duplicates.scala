package mllibpy.engine

/** What to do where a (row, column) pair occurs more than once.
  *
  * Where triples have weights, the one that remains has a weight too, 1 where all were 1.
  */
sealed abstract class Duplicates(val name: String) extends Serializable

object Duplicates {

  /** Refuse: the caller reports what was found. */
  case object Refuse extends Duplicates("error")

  /** Add the values up, smallest first in float64, so that their order does not matter. The weight
    * is the mean of the weights, each counted by the size of its value: what is above 0 adds up
    * times its weight too.
    */
  case object Sum extends Duplicates("sum")

  /** The mean, summed likewise: of values by their weights, and of weights. */
  case object Mean extends Duplicates("mean")

  /** The latest by time where there are times, else the last of the input, with its weight. */
  case object Last extends Duplicates("last")

  val all: Seq[Duplicates] = Seq(Refuse, Sum, Mean, Last)
  def named(name: String): Option[Duplicates] = all.find(_.name == name)
}
