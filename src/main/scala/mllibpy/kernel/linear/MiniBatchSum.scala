package mllibpy.kernel.linear

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
    val taken = if (fraction < 1) rows.select(draw(rows.rows)) else rows
    if (taken.rows > 0) drawn.add(taken)
    blocks += 1
    this
  }

  private def draw(n: Int): Array[Int] = {
    val random = new SplittableRandom(seed + 31L * blocks + n)
    (0 until n).filter(_ => random.nextDouble() < fraction).toArray
  }

  def merge(other: MiniBatchSum): this.type = {
    drawn.merge(other.drawn)
    this
  }
}
