package mllibpy.kernel.linear

import mllibpy.kernel.Panels

/** The coordinates in which a Hessian is taken: feature f is `(x_f - centres(f)) scales(f)`, and
  * behind the last one stands the intercept's 1.
  *
  * @param scales
  *   0 for a feature that says nothing
  * @param intercept
  *   whether there is one; if not, its row and column stay 0
  */
final case class HessianPlan(
    stride: Int,
    centres: Array[Double],
    scales: Array[Double],
    intercept: Boolean
) {
  def features: Int = scales.length

  /** Bytes of the statistic. */
  def bytes: Long = {
    val columns = Panels.stride(features + 1).toLong
    8 * (columns * columns + stride)
  }
}

/** What a step of Newton's method needs, in one pass: the loss and its gradient at a point, as in
  * [[LossSum]], and its Hessian,
  * {{{sum of weight * curvature(y, margin) * z z^T, z = (features, 1)}}}
  *
  * @param at
  *   IN coefficients, padded, the intercept behind; they do not travel with the sums
  */
final class NewtonSum(
    loss: MarginLoss,
    @transient private val plan: HessianPlan,
    @transient private val at: Array[Double]
) extends Serializable {
  private val shape = Shape(plan.stride, 1)
  val first = new LossSum(loss, shape, at)
  private val columns = plan.features + 1
  @transient private lazy val packed = new Panels(columns)
  private val stride = Panels.stride(columns)
  private val sums = new Array[Double](Math.multiplyExact(stride, stride))

  // Whether rows were sparse: they stay so, and are centred when all are summed.
  private var raw = false

  /** The Hessian by row.
    *
    * @param of
    *   the plan that it was begun with
    */
  def hessian(of: HessianPlan): Array[Double] = {
    val last = of.features
    def sum(f: Int, g: Int) = sums(Math.min(f, g) * stride + Math.max(f, g))
    def shift(f: Int) = if (!raw || f == last) 0 else of.centres(f) * of.scales(f)
    Array.tabulate(columns * columns) { i =>
      val (f, g) = (i / columns, i % columns)
      if (!of.intercept && Math.max(f, g) == last) 0
      else {
        val (p, q) = (shift(f), shift(g))
        sum(f, g) - p * sum(g, last) - q * sum(f, last) + p * q * sum(last, last)
      }
    }
  }

  def add(rows: Examples): this.type = {
    val margins = new Array[Double](Panels.Rows)
    val curves = new Array[Double](Panels.Rows)
    val x = new Array[Double](columns)
    var from = 0
    while (from < rows.rows) {
      val n = Math.min(Panels.Rows, rows.rows - from)
      LossSum.margins(rows, from, n, shape, at, margins)
      loss.curvatures(rows, from, n, margins, curves)
      first.take(rows, from, n, margins)
      var r = 0
      while (r < n) { curves(r) *= rows.weight(from + r); r += 1 }
      rows match {
        case sparse: SparseExamples => addSparse(sparse, from, n, curves)
        case _                      => addDense(rows, from, n, curves, x)
      }
      from += n
    }
    this
  }

  private def addDense(
      rows: Examples,
      from: Int,
      n: Int,
      curves: Array[Double],
      x: Array[Double]
  ): Unit = {
    var r = 0
    while (r < n) {
      rows.copy(from + r, x)
      pack(x, r, Math.sqrt(curves(r)))
      r += 1
    }
    packed.addTo(sums, n)
  }

  /** Products of what the rows show, and of that with the intercept's 1. */
  private def addSparse(
      rows: SparseExamples,
      from: Int,
      n: Int,
      curves: Array[Double]
  ): Unit = {
    raw = true
    val (scales, last) = (plan.scales, plan.features)
    var r = 0
    while (r < n) {
      val end = rows.start(from + r + 1)
      var e = rows.start(from + r)
      while (e < end) {
        val f = rows.columns(e)
        val by = curves(r) * rows.values(e) * scales(f)
        var d = rows.start(from + r)
        while (d < end) {
          val g = rows.columns(d)
          if (g >= f) sums(f * stride + g) += by * rows.values(d) * scales(g)
          d += 1
        }
        sums(f * stride + last) += by
        e += 1
      }
      sums(last * stride + last) += curves(r)
      r += 1
    }
  }

  /** A row in the plan's coordinates, times the root of what it weighs. */
  private def pack(x: Array[Double], row: Int, root: Double): Unit = {
    val (centres, scales, last) = (plan.centres, plan.scales, plan.features)
    var f = 0
    while (f < last) { x(f) = (x(f) - centres(f)) * scales(f) * root; f += 1 }
    x(last) = if (plan.intercept) root else 0
    packed.set(row, x, 0)
  }

  def merge(other: NewtonSum): this.type = {
    first.merge(other.first)
    LossSum.add(other.sums, sums)
    raw |= other.raw
    this
  }
}
