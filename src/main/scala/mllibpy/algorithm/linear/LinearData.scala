package mllibpy.algorithm.linear

import mllibpy.engine.{Blocks, InvalidInput}
import mllibpy.kernel.cluster.Spread
import mllibpy.kernel.linear.{Examples, Form, GramSum, Moments}

/** A data set at rest, and what is known of it: laid out once, for any number of fits.
  *
  * @param form
  *   of its blocks
  * @param numbered
  *   whether rows stand in an order that is theirs; in Spark each block is then a partition
  */
final class LinearData(
    val blocks: Blocks[Examples],
    val features: Int,
    val classes: Int,
    val form: Form,
    val numbered: Boolean = false
) {
  // What features are padded to in its blocks.
  val stride: Int = form.stride(features)

  /** Found by the first who asks: one pass. */
  lazy val moments: Moments = LinearData.moments(blocks, features, classes)

  /** The same rows, each weighing as many times more as its class says. They go when this goes. */
  def byClass(weights: Array[Double]): LinearData =
    new LinearData(LinearData.byClass(blocks, weights), features, classes, form)

  /** What is known of the rows alone: likewise. */
  lazy val spread: Spread = LinearData.spread(blocks, features)

  def release(): Unit = blocks.release()
}

object LinearData {

  // In an object, so that the tasks' closures hold just these arguments.
  private def moments(blocks: Blocks[Examples], features: Int, classes: Int): Moments = {
    val found =
      blocks.sum(16L * features)(() => new Moments(features, classes))(_ add _)(_ merge _)
    InvalidInput.unless(found.rows > 0, "there are no rows to fit; give at least one")
    InvalidInput.unless(found.weight > 0, "all sample weights are 0; give some row a weight")
    found
  }

  private def byClass(blocks: Blocks[Examples], weights: Array[Double]): Blocks[Examples] =
    blocks.map(_.byClass(weights))

  private def spread(blocks: Blocks[Examples], features: Int): Spread = {
    val found = blocks.sum(8L * features)(() => new Spread(features))(_ add _)(_ merge _)
    InvalidInput.unless(found.rows > 0, "there are no rows to fit; give at least one")
    InvalidInput.unless(found.weight > 0, "all sample weights are 0; give some row a weight")
    found
  }

  private[linear] def gram(
      blocks: Blocks[Examples],
      features: Int,
      means: Array[Double],
      targetMean: Double
  ): GramSum = {
    val at = blocks.share(means)
    try
      blocks.sum(8L * features * features)(() => new GramSum(features, at.value, targetMean))(
        _ add _
      )(_ merge _)
    finally at.destroy()
  }
}
