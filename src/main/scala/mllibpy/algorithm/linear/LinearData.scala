package mllibpy.algorithm.linear

import mllibpy.engine.{Blocks, InvalidInput}
import mllibpy.kernel.linear.{Examples, Form, GramSum, Moments}

/** A data set at rest, and what is known of it: laid out once, for any number of fits.
  *
  * @param form
  *   of its blocks
  */
final class LinearData(
    val blocks: Blocks[Examples],
    val features: Int,
    val classes: Int,
    val form: Form
) {
  // What features are padded to in its blocks.
  val stride: Int = form.stride(features)

  /** Found by the first who asks: one pass. */
  lazy val moments: Moments = LinearData.moments(blocks, features, classes)

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
