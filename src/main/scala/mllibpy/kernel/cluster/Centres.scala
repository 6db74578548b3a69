package mllibpy.kernel.cluster

import mllibpy.kernel.linear.{DenseDoubles, DenseFloats}

/** Centres, and what scoring rows with them needs.
  *
  * Scores are taken around a point `shift`, the mean of the data: with c' = c - shift they are
  * `x.c' - shift.c' - |c'|^2 / 2`, of which `|x - shift|^2 - |x - c|^2` is twice. Rows stay as they
  * are, and data far from the origin lose no digits to it. Of the cosine distance, centres have the
  * length 1, and scores are `x.c`.
  *
  * @param values
  *   by centre, `features` numbers each
  */
final class Centres(
    val k: Int,
    val features: Int,
    val values: Array[Double],
    val shift: Array[Double],
    val cosine: Boolean
) extends Serializable {

  /** In panels as [[CentreTiles]] wants them; where there are less than a panel has, the others'
    * scores are minus infinity.
    */
  @transient lazy val singles: Array[Float] = {
    val w = CentreTiles.SingleWidth
    val out = new Array[Float](Math.multiplyExact(panels(w) * w, features + 1))
    lay(w)((i, v) => out(i) = v.toFloat, i => out(i).toDouble)
    out
  }

  @transient lazy val doubles: Array[Double] = {
    val w = CentreTiles.DoubleWidth
    val out = new Array[Double](Math.multiplyExact(panels(w) * w, features + 1))
    lay(w)((i, v) => out(i) = v, i => out(i))
    out
  }

  /** The same numbers by centre, `stride` apart; what their scores begin at stays in the panels. */
  @transient lazy val singleRows: Array[Float] = {
    val stride = DenseFloats.padded(features)
    val out = new Array[Float](k * stride)
    unlay(CentreTiles.SingleWidth, stride)((i, j) => out(i) = singles(j))
    out
  }

  @transient lazy val doubleRows: Array[Double] = {
    val stride = DenseDoubles.padded(features)
    val out = new Array[Double](k * stride)
    unlay(CentreTiles.DoubleWidth, stride)((i, j) => out(i) = doubles(j))
    out
  }

  private def unlay(w: Int, stride: Int)(put: (Int, Int) => Unit): Unit =
    for (c <- 0 until k; f <- 0 until features)
      put(c * stride + f, base(c, w) + (f + 1) * w)

  /** Where a centre stands in the panels. */
  private[cluster] def base(c: Int, w: Int): Int = c / w * w * (features + 1) + c % w

  def panels(width: Int): Int = (k + width - 1) / width

  /** The largest distance of a centre from the shift. */
  @transient lazy val reach: Double = {
    var most = 0.0
    for (c <- 0 until k) most = Math.max(most, apart(c, shift, 0))
    Math.sqrt(most)
  }

  @transient lazy val shiftLength: Double = Math.sqrt(Search.square(shift, 0, features))

  /** The squared lengths of the centres. */
  @transient lazy val squares: Array[Double] =
    Array.tabulate(k)(c => Search.square(values, c * features, features))

  /** The squared distance of a centre from a point. */
  def apart(c: Int, point: Array[Double], at: Int): Double = {
    var sum = 0.0
    var f = 0
    while (f < features) {
      val d = values(c * features + f) - point(at + f)
      sum += d * d
      f += 1
    }
    sum
  }

  // The first numbers come from the others as they were rounded, so that a score belongs to a
  // point, if not quite to the centre.
  private def lay(w: Int)(put: (Int, Double) => Unit, got: Int => Double): Unit = {
    var c = 0
    while (c < panels(w) * w) {
      val first = base(c, w)
      if (c >= k) put(first, Double.NegativeInfinity)
      else {
        var begin = 0.0
        var f = 0
        while (f < features) {
          val at = first + (f + 1) * w
          put(at, values(c * features + f) - shift(f))
          val v = got(at)
          begin -= v * shift(f) + v * v / 2
          f += 1
        }
        put(first, if (cosine) 0.0 else begin)
      }
      c += 1
    }
  }
}

object Centres {

  /** Some rows of numbers as centres. */
  def apply(
      rows: Seq[Array[Double]],
      shift: Array[Double],
      cosine: Boolean
  ): Centres = {
    val features = shift.length
    val values = new Array[Double](rows.length * features)
    for ((r, i) <- rows.zipWithIndex) System.arraycopy(r, 0, values, i * features, features)
    new Centres(rows.length, features, values, shift, cosine)
  }
}
