package mllibpy.kernel.linear

/** What an epoch of variance-reduced stochastic gradient descent steps by.
  *
  * @param eta
  *   the step's length in coordinates in which feature f is x_f scales(f)
  * @param scales
  *   0 for a feature that says nothing
  * @param centres
  *   what is taken from the features; zeros for sparse rows, which stay sparse
  * @param ridges
  *   the L2 penalty's second derivatives in these coordinates
  * @param gradient
  *   the objective's, in these coordinates, where the epoch begins; the intercept's last
  * @param share
  *   what a row of weight 1 counts: rows over the sum of weights
  */
final case class SvrgPlan(
    loss: MarginLoss,
    stride: Int,
    intercept: Boolean,
    eta: Double,
    scales: Array[Double],
    centres: Array[Double],
    ridges: Array[Double],
    gradient: Array[Double],
    share: Double
) {
  def features: Int = scales.length
}

/** An epoch of stochastic gradient descent over a partition's rows whose steps' noise falls to 0
  * with the distance from where it began (SVRG; Johnson and Zhang: Accelerating stochastic gradient
  * descent using predictive variance reduction, 2013). Of sparse rows a step changes what the row
  * has, the full gradient's part as often stronger as the feature is rarer (Leblond, Pedregosa,
  * Lacoste-Julien: ASAGA: asynchronous parallel SAGA, 2017). Epochs of partitions are averaged by
  * their weights.
  *
  * @param at
  *   IN coefficients where it begins, padded, the intercept behind; they do not travel with the
  *   sums
  */
final class SvrgEpoch(
    @transient private val plan: SvrgPlan,
    @transient private val at: Array[Double],
    seed: Long
) extends Serializable {

  /** How far coefficients moved; the intercept's last, that of the centred features. */
  val moved: Array[Double] = new Array(plan.features + 1)
  var weight = 0.0
  private var blocks = 0

  def add(rows: Examples): this.type = {
    val margins = start(rows)
    val order = RowOrder.shuffled(rows.rows, seed + 31L * blocks + rows.rows)
    rows match {
      case sparse: SparseExamples => overSparse(sparse, order, margins)
      case dense                  => overDense(dense, order, margins)
    }
    weight += LossSum.weight(rows, 0, rows.rows)
    blocks += 1
    this
  }

  /** All rows' margins where the epoch begins. */
  private def start(rows: Examples): Array[Double] = {
    val out = new Array[Double](rows.rows)
    val tile = new Array[Double](rows.tile)
    LossSum.tiles(rows) { (from, n) =>
      rows.margins(from, n, at, 1, tile)
      System.arraycopy(tile, 0, out, from, n)
    }
    for (r <- out.indices) out(r) += at(plan.stride)
    out
  }

  /** A row's slope, less what it was at the start. */
  private def change(rows: Examples, r: Int, margin: Double, by: Double): Double = {
    val y = rows.labels(r)
    rows.weight(r) * plan.share *
      (plan.loss.slope(y, margin + by) - plan.loss.slope(y, margin))
  }

  private def overDense(rows: Examples, order: Array[Int], margins: Array[Double]): Unit = {
    val n = plan.features
    val pulls = new SvrgPulls(plan, null, rows.rows)
    val (keep, pull, step) = (pulls.keep, pulls.pull, pulls.step)
    val (own, centres) = (moved, plan.centres)
    val x = new Array[Double](n)
    for (r <- order) {
      rows.copy(r, x)
      var (a, b) = (0.0, 0.0)
      var f = 0
      while (f < n) { x(f) -= centres(f); f += 1 }
      f = 0
      while (f + 2 <= n) {
        a += x(f) * own(f)
        b += x(f + 1) * own(f + 1)
        f += 2
      }
      if (f < n) a += x(f) * own(f)
      val c = change(rows, r, margins(r), a + b + own(n))
      f = 0
      while (f < n) {
        own(f) = keep(f) * own(f) - pull(f) - step(f) * c * x(f)
        f += 1
      }
      moveIntercept(c)
    }
  }

  private def overSparse(rows: SparseExamples, order: Array[Int], margins: Array[Double]): Unit = {
    val n = plan.features
    val pulls = new SvrgPulls(plan, rows, rows.rows)
    val (keep, pull, step) = (pulls.keep, pulls.pull, pulls.step)
    for (r <- order) {
      val c = change(rows, r, margins(r), rows.dot(r, moved, 0) + moved(n))
      var e = rows.start(r)
      while (e < rows.start(r + 1)) {
        val f = rows.columns(e)
        moved(f) = keep(f) * moved(f) - pull(f) - step(f) * c * rows.values(e)
        e += 1
      }
      moveIntercept(c)
    }
  }

  private def moveIntercept(c: Double): Unit = if (plan.intercept) {
    val n = plan.features
    moved(n) -= SvrgEpoch.InterceptStep * plan.eta * (c + plan.gradient(n))
  }

  def merge(other: SvrgEpoch): this.type = {
    val total = weight + other.weight
    if (total > 0) {
      val share = other.weight / total
      for (i <- moved.indices) moved(i) += share * (other.moved(i) - moved(i))
    }
    weight = total
    this
  }
}

object SvrgEpoch {

  /** The square of the intercept's scale. */
  final val InterceptStep = 4.0
}

/** What a step does to each feature besides the row's own part: with D steps' worth of gradient g
  * and ridge l at once, a change d from the start becomes
  * {{{keep d - pull,  keep = e^(-eta l D),  pull = g (1 - keep) / l}}}
  *
  * @param sparse
  *   rows whose features take D = rows / occurrences; null for dense ones, where D is 1
  */
private final class SvrgPulls(plan: SvrgPlan, sparse: SparseExamples, rows: Int) {
  val keep = new Array[Double](plan.features)
  val pull = new Array[Double](plan.features)
  val step = new Array[Double](plan.features)

  {
    val seen = if (sparse == null) null else new Array[Int](plan.features)
    if (sparse != null) for (c <- sparse.columns) seen(c) += 1
    for (f <- keep.indices) {
      val d = if (seen == null) 1.0 else rows.toDouble / Math.max(1, seen(f))
      val by = plan.eta * d
      val decay = by * plan.ridges(f)
      keep(f) = Math.exp(-decay)
      val share = if (decay > 0) -Math.expm1(-decay) / decay else 1.0
      pull(f) = plan.scales(f) * plan.gradient(f) * by * share
      step(f) = plan.eta * plan.scales(f) * plan.scales(f)
    }
  }
}
