package mllibpy.kernel.cluster

import mllibpy.kernel.Scramble
import mllibpy.kernel.linear.Examples

import scala.collection.mutable

/** Draws that belong to rows, so that partitions do not change who is drawn: to a row's number
  * where rows have one, else to its content, of which the order of entries and zeros are no part.
  * Copies of a row in a block have keys of their own, else all of them would be drawn or none;
  * these hang on the block.
  *
  * One object for the blocks of a partition, in their order.
  *
  * @param first
  *   the number of a block's first row; below 0, and another one for each partition, where rows
  *   have none
  */
final class RowKeys(first: Examples => Long) {
  private var blocks = 0L

  /** The keys of the next block's rows. */
  def next(block: Examples): Array[Long] = {
    val from = first(block)
    blocks += 1
    if (from >= 0) Array.tabulate(block.rows)(r => Scramble.mix(from + r))
    else RowKeys.apart(block, Scramble.mix(from) + blocks)
  }
}

object RowKeys {
  private def apart(block: Examples, salt: Long): Array[Long] = {
    val copies = new mutable.LongMap[Int](2 * block.rows)
    Array.tabulate(block.rows) { r =>
      val own = block.content(r)
      val before = copies.getOrElse(own, 0)
      copies(own) = before + 1
      if (before == 0) own else Scramble.mix(own ^ Scramble.mix(salt ^ Scramble.mix(before)))
    }
  }

  /** A number above 0 and below 1, of a row and a draw. */
  def unit(key: Long, draw: Long): Double =
    ((Scramble.mix(key ^ Scramble.mix(draw)) >>> 11) + 0.5) / (1L << 53)

  /** When a row of some mass is drawn: the earliest of several are a sample without replacement, by
    * their masses (Efraimidis, Spirakis: Weighted random sampling with a reservoir, 2006).
    */
  def time(key: Long, draw: Long, mass: Double): Double =
    if (mass > 0) -Math.log(unit(key, draw)) / mass else Double.PositiveInfinity
}
