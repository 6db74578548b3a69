package mllibpy.algorithm.als

import mllibpy.kernel.{Prior, Stride}

import scala.collection.mutable

/** The state of a Gibbs sampler beside the factors: hyperparameters, the ratings' noise, and the
  * samples kept so far, on the driver.
  */
private final class Sampling(params: AlsParams, plan: Plan, ratings: Long) {
  private val draws = new Hyperparameters(plan.width, plan.seed)
  private val users = mutable.ArrayBuffer.empty[Array[Float]]
  private val items = mutable.ArrayBuffer.empty[Array[Float]]
  private var sweep = 0
  // Until the first sweep has shown errors, the source's precision.
  private var noise = params.noisePrecision.getOrElse(2.0)

  /** What a side is drawn against, from its last factors. */
  def prior(side: Side, last: Option[SideFactors], rows: Long): Prior =
    draws.draw(
      side,
      plan.objective.pinned(side.number, plan.width),
      last.map(_.gramian).orNull,
      rows,
      noise,
      sweep
    )

  /** Samples kept so far. */
  def kept: Int = users.length

  /** Whether the last sweep was kept. */
  def keptLast: Boolean = isKept(sweep)

  private def isKept(sweep: Int): Boolean =
    sweep > params.burnIn && (sweep - params.burnIn) % params.thin == 0

  /** Ends a sweep: draws the noise, and keeps every `thin`-th sample after the burn-in. */
  def swept(squares: Double)(factors: => (Array[Float], Array[Float])): Unit = {
    sweep += 1
    noise = params.noisePrecision.getOrElse(draws.noise(squares, ratings, sweep))
    if (isKept(sweep)) {
      val (u, i) = factors
      users += u
      items += i
    }
  }

  /** The samples of a side beside each other, padded: with each scaled by 1 / sqrt(count), the
    * product of a user's row and an item's is the mean of the samples' products.
    */
  def together(side: Side): Array[Float] = {
    val samples = if (side == Side.User) users else items
    val (width, stride) = (plan.width, Stride.of(plan.width))
    val scale = (1 / Math.sqrt(samples.length.toDouble)).toFloat
    val wide = Stride.of(samples.length * width)
    val rows = samples.head.length / stride
    val out = new Array[Float](Math.multiplyExact(rows, wide))
    for ((sample, s) <- samples.zipWithIndex) {
      var r = 0
      while (r < rows) {
        var j = 0
        while (j < width) {
          out(r * wide + s * width + j) = sample(r * stride + j) * scale
          j += 1
        }
        r += 1
      }
    }
    out
  }
}
