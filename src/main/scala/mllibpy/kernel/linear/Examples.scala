package mllibpy.kernel.linear

import mllibpy.kernel.Scramble

/** A block of a data set: rows of features, and what is to be predicted for each.
  *
  * Coefficients of several models stand by feature, `models` apart, and margins by row likewise;
  * one model needs no padding, several are padded as [[DenseDoubles]] says.
  *
  * @param labels
  *   targets, or the numbers of classes
  * @param weights
  *   null where all rows weigh 1
  */
abstract class Examples(val labels: Array[Double], val weights: Array[Double])
    extends Serializable {
  def rows: Int = labels.length
  def weight(row: Int): Double = if (weights == null) 1 else weights(row)

  /** Features, and what their number is padded to. */
  def features: Int
  def stride: Int

  /** Bytes at rest. */
  def bytes: Long

  /** Rows to a tile: so many that they stay in a second-level cache between their margins and their
    * share of the sums.
    */
  def tile: Int

  /** `out(r * models + j)` = the product of row from + r with model j, n rows. */
  def margins(from: Int, n: Int, w: Array[Double], models: Int, out: Array[Double]): Unit

  /** `sums(f * models + j)` += the sum of `c(r * models + j)` times feature f of row from + r. */
  def accumulate(from: Int, n: Int, c: Array[Double], models: Int, sums: Array[Double]): Unit

  /** A row's product with the coefficients from `at` on. */
  def dot(row: Int, w: Array[Double], at: Int): Double

  /** `to(at + f) += by * x_f` for a row. */
  def addTo(row: Int, by: Double, to: Array[Double], at: Int): Unit

  /** `to(f)` = feature f of a row. */
  def copy(row: Int, to: Array[Double]): Unit = {
    java.util.Arrays.fill(to, 0, features, 0.0)
    foreach(row)((f, x) => to(f) = x)
  }

  /** Some of the rows, as a block of their own. */
  def select(of: Array[Int]): Examples

  /** The same rows with other weights. */
  def weighing(weights: Array[Double]): Examples

  /** The same rows, each weighing as many times more as its class says. */
  def byClass(weights: Array[Double]): Examples =
    weighing(Array.tabulate(rows)(r => weight(r) * weights(labels(r).toInt)))

  protected def labelsOf(of: Array[Int]): Array[Double] = of.map(labels(_))
  protected def weightsOf(of: Array[Int]): Array[Double] =
    if (weights == null) null else of.map(weights(_))

  /** Calls `see` with each feature that is not 0, or not known to be, of a row. */
  def foreach(row: Int)(see: (Int, Double) => Unit): Unit

  /** A number that hangs on a row's features alone, not on the order of its entries, nor on zeros
    * among them.
    */
  final def content(row: Int): Long = {
    var h = 0L
    foreach(row) { (f, x) =>
      if (x != 0) h += (Scramble.mix(f + 1L) | 1) * java.lang.Double.doubleToLongBits(x)
    }
    Scramble.mix(h)
  }
}

object Examples {

  /** Bytes of a tile. */
  private[linear] final val TileBytes = 256 << 10

  /** Columns of margins and coefficients for so many models. */
  def padded(models: Int): Int = if (models == 1) 1 else DenseDoubles.padded(models)
}

/** Rows of float64 numbers, `stride` apart. */
final class DenseExamples(
    val features: Int,
    val values: Array[Double],
    labels: Array[Double],
    weights: Array[Double],
    products: DenseDoubles = DenseDoubles.best
) extends Examples(labels, weights) {
  val stride: Int = DenseDoubles.padded(features)
  def bytes: Long = 8L * values.length
  def tile: Int = Math.max(4, Math.min(256, Examples.TileBytes / (8 * stride)))

  def margins(from: Int, n: Int, w: Array[Double], models: Int, out: Array[Double]): Unit =
    if (models == 1) products.margins(values, stride, from, n, w, out)
    else products.margins(values, stride, from, n, w, models, out)

  def accumulate(from: Int, n: Int, c: Array[Double], models: Int, sums: Array[Double]): Unit =
    if (models == 1) products.accumulate(values, stride, from, n, c, sums)
    else products.accumulate(values, stride, from, n, c, models, sums)

  /** Four sums, so that an addition need not wait for the one before. */
  def dot(row: Int, w: Array[Double], at: Int): Double = {
    var (a, b, c, d) = (0.0, 0.0, 0.0, 0.0)
    val x = row * stride
    var f = 0
    while (f + 4 <= features) {
      a += values(x + f) * w(at + f)
      b += values(x + f + 1) * w(at + f + 1)
      c += values(x + f + 2) * w(at + f + 2)
      d += values(x + f + 3) * w(at + f + 3)
      f += 4
    }
    while (f < features) { a += values(x + f) * w(at + f); f += 1 }
    (a + b) + (c + d)
  }

  def addTo(row: Int, by: Double, to: Array[Double], at: Int): Unit = {
    val x = row * stride
    var f = 0
    while (f < features) { to(at + f) += by * values(x + f); f += 1 }
  }

  def weighing(weights: Array[Double]): Examples =
    new DenseExamples(features, values, labels, weights, products)

  def select(of: Array[Int]): Examples = {
    val out = new Array[Double](of.length * stride)
    for ((r, i) <- of.zipWithIndex)
      System.arraycopy(values, r * stride, out, i * stride, stride)
    new DenseExamples(features, out, labelsOf(of), weightsOf(of), products)
  }

  override def copy(row: Int, to: Array[Double]): Unit =
    System.arraycopy(values, row * stride, to, 0, features)

  def foreach(row: Int)(see: (Int, Double) => Unit): Unit = {
    var f = 0
    while (f < features) { see(f, values(row * stride + f)); f += 1 }
  }
}

/** Sparse rows: row r has the entries `start(r) until start(r + 1)`, columns ascending. */
final class SparseExamples(
    val features: Int,
    val start: Array[Int],
    val columns: Array[Int],
    val values: Array[Double],
    labels: Array[Double],
    weights: Array[Double]
) extends Examples(labels, weights) {
  def stride: Int = features
  def bytes: Long = 12L * values.length + 4L * start.length
  def tile: Int = 256

  def margins(from: Int, n: Int, w: Array[Double], models: Int, out: Array[Double]): Unit =
    if (models == 1) {
      var r = 0
      while (r < n) { out(r) = dot(from + r, w, 0); r += 1 }
    } else {
      java.util.Arrays.fill(out, 0, n * models, 0.0)
      var r = 0
      while (r < n) {
        var e = start(from + r)
        while (e < start(from + r + 1)) {
          SparseExamples.add(values(e), w, columns(e) * models, out, r * models, models)
          e += 1
        }
        r += 1
      }
    }

  /** Two sums, so that an addition need not wait for the one before. */
  def dot(row: Int, w: Array[Double], at: Int): Double = {
    var (a, b) = (0.0, 0.0)
    var e = start(row)
    val end = start(row + 1)
    while (e + 2 <= end) {
      a += values(e) * w(at + columns(e))
      b += values(e + 1) * w(at + columns(e + 1))
      e += 2
    }
    if (e < end) a += values(e) * w(at + columns(e))
    a + b
  }

  def addTo(row: Int, by: Double, to: Array[Double], at: Int): Unit = {
    var e = start(row)
    while (e < start(row + 1)) { to(at + columns(e)) += by * values(e); e += 1 }
  }

  def accumulate(from: Int, n: Int, c: Array[Double], models: Int, sums: Array[Double]): Unit = {
    var r = 0
    while (r < n) {
      var e = start(from + r)
      val end = start(from + r + 1)
      if (models == 1) {
        val by = c(r)
        if (by != 0) while (e < end) { sums(columns(e)) += by * values(e); e += 1 }
      } else
        while (e < end) {
          SparseExamples.add(values(e), c, r * models, sums, columns(e) * models, models)
          e += 1
        }
      r += 1
    }
  }

  def weighing(weights: Array[Double]): Examples =
    new SparseExamples(features, start, columns, values, labels, weights)

  def select(of: Array[Int]): Examples = {
    val starts = of.scanLeft(0)((at, r) => at + start(r + 1) - start(r))
    val (to, numbers) = (new Array[Int](starts.last), new Array[Double](starts.last))
    for ((r, i) <- of.zipWithIndex) {
      val n = start(r + 1) - start(r)
      System.arraycopy(columns, start(r), to, starts(i), n)
      System.arraycopy(values, start(r), numbers, starts(i), n)
    }
    new SparseExamples(features, starts, to, numbers, labelsOf(of), weightsOf(of))
  }

  def foreach(row: Int)(see: (Int, Double) => Unit): Unit = {
    var e = start(row)
    while (e < start(row + 1)) { see(columns(e), values(e)); e += 1 }
  }
}

private object SparseExamples {

  /** to += by * from, n numbers. */
  def add(
      by: Double,
      from: Array[Double],
      fromAt: Int,
      to: Array[Double],
      toAt: Int,
      n: Int
  ): Unit = {
    var j = 0
    while (j < n) { to(toAt + j) += by * from(fromAt + j); j += 1 }
  }
}
