package mllibpy.kernel.linear

/** How far stochastic gradient descent steps: at step t, counted from 1 over all epochs,
  *
  *   - "constant", "adaptive": eta0
  *   - "optimal": 1 / (alpha (t0 + t)), with t0 such that the first step is about as long as
  *     coefficients are expected to be (Bottou: Stochastic gradient descent tricks, 2012)
  *   - "invscaling": eta0 / t^power
  */
final case class StepSize(rule: String, eta0: Double, alpha: Double, power: Double, t0: Double) {
  def apply(t: Double): Double = rule match {
    case "optimal"    => 1 / (alpha * (t0 + t))
    case "invscaling" => eta0 / Math.pow(t, power)
    case _            => eta0
  }
}

object StepSize {

  /** The t0 of "optimal". */
  def begin(alpha: Double): Double = {
    val typical = Math.sqrt(1 / Math.sqrt(alpha))
    1 / (typical * alpha)
  }
}

/** What an epoch of stochastic gradient descent minimises, by row: weight * loss + l2 / 2 |w|^2 + l1
  * |w|_1; the intercept is not penalised. Of several classes, each against all others.
  *
  * @param classes
  *   1 for a single model
  */
final case class SgdPlan(
    loss: MarginLoss,
    features: Int,
    classes: Int,
    l2: Double,
    l1: Double,
    intercept: Boolean,
    shuffle: Boolean,
    step: StepSize
)

/** An epoch of stochastic gradient descent over a partition's rows, each block's in an order of its
  * own: the statistic of a pass. Epochs of partitions are averaged by what their rows weigh
  * (Zinkevich et al.: Parallelized stochastic gradient descent, 2010).
  *
  * @param start
  *   IN coefficients by class, each with its intercept behind
  * @param first
  *   steps that were made before
  */
final class SgdEpoch(
    plan: SgdPlan,
    @transient private val start: Array[Double],
    first: Double,
    seed: Long
) extends Serializable {
  private val width = plan.features + 1
  val coefficients: Array[Double] = start.clone()
  // Coefficients are these times `scale`: an L2 penalty shrinks all by one multiplication.
  private val scale = Array.fill(plan.classes)(1.0)
  // How much L1 could have shrunk a coefficient by now, and how much it has (Tsuruoka, Tsujii,
  // Ananiadou: Stochastic gradient descent training for l1-regularized log-linear models, 2009).
  private var could = 0.0
  private val has = if (plan.l1 > 0) new Array[Double](start.length) else null
  var weight = 0.0
  var loss = 0.0
  var rows = 0L
  private var blocks = 0

  def add(block: Examples): this.type = {
    for (row <- order(block.rows)) step(block, row)
    blocks += 1
    settle()
    this
  }

  private def order(n: Int): Array[Int] =
    if (plan.shuffle) RowOrder.shuffled(n, seed + 31L * blocks + n) else Array.range(0, n)

  private def step(block: Examples, row: Int): Unit = {
    rows += 1
    val eta = plan.step(first + rows)
    val by = block.weight(row)
    weight += by
    could += eta * plan.l1
    var c = 0
    while (c < plan.classes) {
      val at = c * width
      val label = block.labels(row)
      val y = if (plan.classes == 1) label else if (label == c) 1.0 else 0.0
      val margin =
        block.dot(row, coefficients, at) * scale(c) + coefficients(at + plan.features)
      loss += by * plan.loss.value(y, margin)
      shrink(c, eta)
      val move = -eta * by * plan.loss.slope(y, margin)
      if (move != 0) {
        block.addTo(row, move / scale(c), coefficients, at)
        if (plan.intercept) coefficients(at + plan.features) += move
      }
      if (has != null) block.foreach(row)((f, _) => clip(at + f, scale(c)))
      c += 1
    }
  }

  private def shrink(c: Int, eta: Double): Unit = if (plan.l2 > 0) {
    scale(c) *= Math.max(0, 1 - eta * plan.l2)
    if (scale(c) < SgdEpoch.LeastScale) unscale(c)
  }

  private def unscale(c: Int): Unit = {
    var f = c * width
    while (f < c * width + plan.features) { coefficients(f) *= scale(c); f += 1 }
    scale(c) = 1
  }

  /** Towards 0 by what L1 has not shrunk it yet, and no further. */
  private def clip(i: Int, by: Double): Unit = {
    val before = coefficients(i) * by
    val after =
      if (before > 0) Math.max(0, before - (could + has(i)))
      else if (before < 0) Math.min(0, before + (could - has(i)))
      else before
    has(i) += after - before
    coefficients(i) = after / by
  }

  /** Coefficients as they are. */
  private def settle(): Unit = for (c <- 0 until plan.classes) {
    if (has != null) for (f <- 0 until plan.features) clip(c * width + f, scale(c))
    unscale(c)
  }

  def merge(other: SgdEpoch): this.type = {
    val total = weight + other.weight
    if (total > 0) {
      val share = other.weight / total
      var i = 0
      while (i < coefficients.length) {
        coefficients(i) += share * (other.coefficients(i) - coefficients(i))
        i += 1
      }
    }
    weight = total
    loss += other.loss
    rows += other.rows
    this
  }
}

private object SgdEpoch {
  private final val LeastScale = 1e-9
}
