package mllibpy.kernel.linear

/** Coefficients of several linear models, and where each number stands: those of feature f from f *
  * columns on, the intercepts behind the last feature.
  *
  * @param models
  *   settings times outputs
  */
final case class Shape(features: Int, models: Int) {
  val columns: Int = Examples.padded(models)
  def intercepts: Int = features * columns
  def length: Int = intercepts + columns
}

/** Losses and gradients of several settings at their coefficients, summed over rows: the statistic
  * of a pass.
  *
  * {{{value_s = sum of weight * loss, gradient_j = sum of weight * slope_j * (x, 1)}}}
  *
  * @param at
  *   IN coefficients, as `shape` says for padded features; they do not travel with the sums
  */
final class LossSum(loss: Loss, shape: Shape, @transient private val at: Array[Double])
    extends Serializable {
  val values = new Array[Double](shape.models / loss.outputs)
  val gradient = new Array[Double](shape.length)
  var weight = 0.0

  def add(rows: Examples): this.type = {
    val m = shape.columns
    val margins = new Array[Double](rows.tile * m)
    LossSum.tiles(rows) { (from, n) =>
      LossSum.margins(rows, from, n, shape, at, margins)
      take(rows, from, n, margins)
    }
    this
  }

  /** Adds the share of rows whose margins are known; they become slopes. */
  private[linear] def take(rows: Examples, from: Int, n: Int, margins: Array[Double]): Unit = {
    loss.slopes(rows, from, n, margins, shape.columns, values)
    LossSum.accumulate(rows, from, n, shape, margins, gradient)
    weight += LossSum.weight(rows, from, n)
  }

  def merge(other: LossSum): this.type = {
    LossSum.add(other.values, values)
    LossSum.add(other.gradient, gradient)
    weight += other.weight
    this
  }
}

/** The Hessian of the summed loss, times a direction: the statistic of a step of Newton-CG.
  * {{{sum of weight * (x, 1) H(margins) (direction . (x, 1))}}}
  */
final class HessianSum(
    loss: Loss,
    shape: Shape,
    @transient private val at: Array[Double],
    @transient private val direction: Array[Double]
) extends Serializable {
  val product = new Array[Double](shape.length)

  def add(rows: Examples): this.type = {
    val m = shape.columns
    val margins = new Array[Double](rows.tile * m)
    val moved = new Array[Double](rows.tile * m)
    LossSum.tiles(rows) { (from, n) =>
      LossSum.margins(rows, from, n, shape, at, margins)
      LossSum.margins(rows, from, n, shape, direction, moved)
      loss.curve(rows, from, n, margins, moved, m)
      LossSum.accumulate(rows, from, n, shape, moved, product)
    }
    this
  }

  def merge(other: HessianSum): this.type = {
    LossSum.add(other.product, product)
    this
  }
}

private[linear] object LossSum {

  /** Visits the rows in tiles. */
  def tiles(rows: Examples)(visit: (Int, Int) => Unit): Unit = {
    var from = 0
    while (from < rows.rows) {
      val n = Math.min(rows.tile, rows.rows - from)
      visit(from, n)
      from += n
    }
  }

  /** Margins with intercepts. */
  def margins(
      rows: Examples,
      from: Int,
      n: Int,
      shape: Shape,
      w: Array[Double],
      out: Array[Double]
  ): Unit = {
    rows.margins(from, n, w, shape.columns, out)
    var i = 0
    val size = n * shape.columns
    var j = shape.intercepts
    while (i < size) {
      out(i) += w(j)
      i += 1
      j += 1
      if (j == shape.length) j = shape.intercepts
    }
  }

  def accumulate(
      rows: Examples,
      from: Int,
      n: Int,
      shape: Shape,
      slopes: Array[Double],
      sums: Array[Double]
  ): Unit = {
    rows.accumulate(from, n, slopes, shape.columns, sums)
    var i = 0
    val size = n * shape.columns
    var j = shape.intercepts
    while (i < size) {
      sums(j) += slopes(i)
      i += 1
      j += 1
      if (j == shape.length) j = shape.intercepts
    }
  }

  def weight(rows: Examples, from: Int, n: Int): Double =
    if (rows.weights == null) n
    else {
      var sum = 0.0
      var r = from
      while (r < from + n) { sum += rows.weights(r); r += 1 }
      sum
    }

  def add(from: Array[Double], to: Array[Double]): Unit = {
    var i = 0
    while (i < to.length) { to(i) += from(i); i += 1 }
  }
}
