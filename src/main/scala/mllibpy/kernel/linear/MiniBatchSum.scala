package mllibpy.kernel.linear

import mllibpy.kernel.Scramble

import java.util.SplittableRandom

/** The loss and gradient of rows that are drawn: each row by itself, with the same probability.
  *
  * @param at
  *   IN coefficients, as `shape` says for padded features; they do not travel with the sums
  */
final class MiniBatchSum(
    loss: Loss,
    shape: Shape,
    fraction: Double,
    @transient private val at: Array[Double],
    seed: Long
) extends Serializable {
  val drawn = new LossSum(loss, shape, at)
  private var blocks = 0

  def add(rows: Examples): this.type = {
    val taken = if (fraction < 1 && rows.rows > 0) rows.select(draw(rows)) else rows
    if (taken.rows > 0) drawn.add(taken)
    blocks += 1
    this
  }

  /** By the block's first row, too, for other partitions have blocks of as many rows. */
  private def draw(rows: Examples): Array[Int] = {
    val random = new SplittableRandom(Scramble.mix(seed ^ rows.content(0)) + 31L * blocks)
    (0 until rows.rows).filter(_ => random.nextDouble() < fraction).toArray
  }

  def merge(other: MiniBatchSum): this.type = {
    drawn.merge(other.drawn)
    this
  }
}
