package mllibpy.kernel.cluster

import mllibpy.kernel.Scramble
import mllibpy.kernel.linear.Examples

/** Draws that belong to rows, so that partitions do not change who is drawn: to a row's number
  * where rows have one, else to its content, of which the order of entries and zeros are no part.
  */
object RowKeys {

  /** @param first
    *   the number of the block's first row; below 0 for none
    */
  def key(block: Examples, first: Long, row: Int): Long =
    if (first >= 0) Scramble.mix(first + row) else content(block, row)

  def content(block: Examples, row: Int): Long = {
    var h = 0L
    block.foreach(row) { (f, x) =>
      if (x != 0) h += (Scramble.mix(f + 1L) | 1) * java.lang.Double.doubleToLongBits(x)
    }
    Scramble.mix(h)
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
