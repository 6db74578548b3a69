package mllibpy.kernel.linear

/** What a linear model pays for the margins that it gives to rows; sums over rows of weight * loss.
  *
  * Several settings are evaluated together: setting s has the columns s * outputs until (s + 1) *
  * outputs of a row of margins, and rows are `models` apart.
  */
abstract class Loss extends Serializable {

  /** Margins that a row has in one setting: 1, or one for each class. */
  def outputs: Int

  /** Whether it stays the same when all margins of a row rise alike. */
  def relative: Boolean = false

  /** Adds the losses of rows to their setting's value, and puts the slopes of the weighted loss in
    * the place of the margins.
    *
    * @param rows
    *   whose labels and weights count, n of them from `from` on
    * @param margins
    *   IN margins, OUT slopes
    * @param values
    *   IN/OUT one for each setting
    */
  def slopes(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      models: Int,
      values: Array[Double]
  ): Unit

  /** Multiplies the margins of a direction by the second derivatives of the weighted loss.
    *
    * @param margins
    *   IN where the derivatives are taken
    * @param direction
    *   IN/OUT
    */
  def curve(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      direction: Array[Double],
      models: Int
  ): Unit
}

/** A loss of one margin. A new one is these three formulas.
  *
  * Labels y of classes are 0 and 1; s is 2 y - 1.
  */
abstract class MarginLoss extends Loss {
  def value(y: Double, margin: Double): Double
  def slope(y: Double, margin: Double): Double

  /** The second derivative; where there is none, that of the side where it is larger. */
  def curvature(y: Double, margin: Double): Double

  final def outputs: Int = 1

  /** `out(r) = curvature` of the rows from `from` on, without their weights. */
  def curvatures(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      out: Array[Double]
  ): Unit = {
    var r = 0
    while (r < n) { out(r) = curvature(rows.labels(from + r), margins(r)); r += 1 }
  }

  def slopes(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      models: Int,
      values: Array[Double]
  ): Unit = {
    var r = 0
    while (r < n) {
      val (y, weight) = (rows.labels(from + r), rows.weight(from + r))
      var s = 0
      while (s < values.length) {
        val margin = margins(r * models + s)
        values(s) += weight * value(y, margin)
        margins(r * models + s) = weight * slope(y, margin)
        s += 1
      }
      r += 1
    }
  }

  def curve(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      direction: Array[Double],
      models: Int
  ): Unit = {
    var r = 0
    while (r < n) {
      val (y, weight) = (rows.labels(from + r), rows.weight(from + r))
      var j = r * models
      while (j < (r + 1) * models) {
        direction(j) *= weight * curvature(y, margins(j))
        j += 1
      }
      r += 1
    }
  }
}

/** log(1 + e^-sm) */
object LogisticLoss extends MarginLoss with Conjugate {
  def dual(y: Double, alpha: Double): Double = Ascent.entropy((2 * y - 1) * alpha)
  def ascend(y: Double, m: Double, from: Double, q: Double): Double = {
    val s = 2 * y - 1
    s * Ascent.logistic(s * from, s * m, q)
  }

  def value(y: Double, m: Double): Double =
    Math.max(m, 0) + log1p(Math.exp(-Math.abs(m))) - y * m

  /** log(1 + e) for e from 0 to 1: the JDK has an intrinsic for its logarithm, and none for this.
    */
  private def log1p(e: Double): Double =
    if (e > 1e-4) Math.log(1 + e) else e * (1 - e * (0.5 - e * (1.0 / 3 - e / 4)))

  /** As all losses of one margin have it, but with one exponential for value and slope, and by
    * vectors.
    */
  override def slopes(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      models: Int,
      values: Array[Double]
  ): Unit =
    if (!VectorLogistic.works) plain(rows, from, 0, n, margins, models, values)
    else if (models == 1) {
      val done = VectorLogistic.rows(rows.labels, rows.weights, from, n, margins, values)
      plain(rows, from, done, n, margins, models, values)
    } else VectorLogistic.models(rows.labels, rows.weights, from, n, margins, models, values)

  override def curvatures(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      out: Array[Double]
  ): Unit = {
    var r = if (VectorLogistic.works) VectorLogistic.curvatures(margins, n, out) else 0
    while (r < n) { out(r) = curvature(0, margins(r)); r += 1 }
  }

  private[linear] def plain(
      rows: Examples,
      from: Int,
      first: Int,
      n: Int,
      margins: Array[Double],
      models: Int,
      values: Array[Double]
  ): Unit = {
    var r = first
    while (r < n) {
      val (y, weight) = (rows.labels(from + r), rows.weight(from + r))
      var s = 0
      while (s < values.length) {
        val m = margins(r * models + s)
        val e = Math.exp(-Math.abs(m))
        values(s) += weight * (Math.max(m, 0) + log1p(e) - y * m)
        margins(r * models + s) = weight * ((if (m >= 0) 1 else e) / (1 + e) - y)
        s += 1
      }
      r += 1
    }
  }

  def slope(y: Double, m: Double): Double = sigmoid(m) - y
  def curvature(y: Double, m: Double): Double = {
    val p = sigmoid(m)
    p * (1 - p)
  }

  def sigmoid(m: Double): Double = {
    val e = Math.exp(-Math.abs(m))
    (if (m >= 0) 1 else e) / (1 + e)
  }
}

/** max(0, 1 - sm) */
object HingeLoss extends MarginLoss with Conjugate {
  def dual(y: Double, alpha: Double): Double = (2 * y - 1) * alpha
  def ascend(y: Double, m: Double, from: Double, q: Double): Double = {
    val s = 2 * y - 1
    s * Ascent.hinge(s * from, s * m, q)
  }

  def value(y: Double, m: Double): Double = Math.max(0, 1 - (2 * y - 1) * m)
  def slope(y: Double, m: Double): Double = {
    val s = 2 * y - 1
    if (s * m < 1) -s else 0
  }
  def curvature(y: Double, m: Double): Double = 0
}

/** The hinge with a parabola of this width in the place of its corner: for z = 1 - sm, z^2 / (2
  * width) up to the width, and z - width / 2 from there.
  */
final case class SmoothedHingeLoss(width: Double) extends MarginLoss {
  private def short(y: Double, m: Double) = Math.max(0, 1 - (2 * y - 1) * m)
  def value(y: Double, m: Double): Double = {
    val z = short(y, m)
    if (z < width) z * z / (2 * width) else z - width / 2
  }
  def slope(y: Double, m: Double): Double =
    -(2 * y - 1) * Math.min(1, short(y, m) / width)
  def curvature(y: Double, m: Double): Double = {
    val z = short(y, m)
    if (z > 0 && z < width) 1 / width else 0
  }
}

/** max(0, 1 - sm)^2 */
object SquaredHingeLoss extends MarginLoss with Conjugate {
  def dual(y: Double, alpha: Double): Double = (2 * y - 1) * alpha - alpha * alpha / 4
  def ascend(y: Double, m: Double, from: Double, q: Double): Double = {
    val s = 2 * y - 1
    s * Ascent.squaredHinge(s * from, s * m, q)
  }

  def value(y: Double, m: Double): Double = {
    val short = Math.max(0, 1 - (2 * y - 1) * m)
    short * short
  }
  def slope(y: Double, m: Double): Double = {
    val s = 2 * y - 1
    -2 * s * Math.max(0, 1 - s * m)
  }
  def curvature(y: Double, m: Double): Double = if ((2 * y - 1) * m < 1) 2 else 0
}

/** max(0, 1 - sm)^2, and a line -4sm where sm < -1 (Zhang: Solving large scale linear prediction
  * problems using stochastic gradient descent algorithms, 2004).
  */
object ModifiedHuberLoss extends MarginLoss {
  def value(y: Double, m: Double): Double = {
    val z = (2 * y - 1) * m
    if (z >= 1) 0 else if (z >= -1) (1 - z) * (1 - z) else -4 * z
  }
  def slope(y: Double, m: Double): Double = {
    val s = 2 * y - 1
    val z = s * m
    if (z >= 1) 0 else if (z >= -1) -2 * s * (1 - z) else -4 * s
  }
  def curvature(y: Double, m: Double): Double =
    if (Math.abs(m) < 1 || (2 * y - 1) * m == -1) 2 else 0
}

/** max(0, -sm) */
object PerceptronLoss extends MarginLoss {
  def value(y: Double, m: Double): Double = Math.max(0, -(2 * y - 1) * m)
  def slope(y: Double, m: Double): Double = {
    val s = 2 * y - 1
    if (s * m <= 0) -s else 0
  }
  def curvature(y: Double, m: Double): Double = 0
}

/** max(0, |m - y| - epsilon)^power, with a power of 1 or 2. */
final case class InsensitiveLoss(epsilon: Double, power: Int) extends MarginLoss {
  private def far(y: Double, m: Double) = Math.max(0, Math.abs(m - y) - epsilon)
  def value(y: Double, m: Double): Double = if (power == 1) far(y, m) else far(y, m) * far(y, m)
  def slope(y: Double, m: Double): Double = {
    val sign = if (far(y, m) > 0) Math.signum(m - y) else 0
    if (power == 1) sign else 2 * sign * far(y, m)
  }
  def curvature(y: Double, m: Double): Double = if (power == 2 && far(y, m) > 0) 2 else 0
}

/** (m - y)^2 / 2 */
object SquaredLoss extends MarginLoss with Conjugate {
  def dual(y: Double, alpha: Double): Double = alpha * y - alpha * alpha / 2
  def ascend(y: Double, m: Double, from: Double, q: Double): Double =
    from + (y - m - from) / (1 + q)

  def value(y: Double, m: Double): Double = (m - y) * (m - y) / 2
  def slope(y: Double, m: Double): Double = m - y
  def curvature(y: Double, m: Double): Double = 1
}

/** (m - y)^2 / 2 up to a distance of epsilon, and from there epsilon (|m - y| - epsilon / 2) (Huber
  * 1964).
  */
final case class HuberLoss(epsilon: Double) extends MarginLoss with Conjugate {
  def dual(y: Double, alpha: Double): Double = SquaredLoss.dual(y, alpha)
  def ascend(y: Double, m: Double, from: Double, q: Double): Double =
    Math.max(-epsilon, Math.min(epsilon, SquaredLoss.ascend(y, m, from, q)))

  def value(y: Double, m: Double): Double = {
    val off = Math.abs(m - y)
    if (off <= epsilon) off * off / 2 else epsilon * (off - epsilon / 2)
  }
  def slope(y: Double, m: Double): Double = Math.max(-epsilon, Math.min(epsilon, m - y))
  def curvature(y: Double, m: Double): Double = if (Math.abs(m - y) <= epsilon) 1 else 0
}

/** log(sum over classes c of e^m_c) - m_y, for labels 0, 1, ... */
final case class MultinomialLoss(classes: Int) extends Loss {
  def outputs: Int = classes
  override def relative: Boolean = true

  def slopes(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      models: Int,
      values: Array[Double]
  ): Unit = {
    var r = 0
    while (r < n) {
      val (y, weight) = (rows.labels(from + r).toInt, rows.weight(from + r))
      var s = 0
      while (s < values.length) {
        val at = r * models + s * classes
        val of = margins(at + y)
        values(s) += weight * (probabilities(margins, at) - of)
        var c = 0
        while (c < classes) { margins(at + c) *= weight; c += 1 }
        margins(at + y) -= weight
        s += 1
      }
      r += 1
    }
  }

  /** Puts probabilities in the place of a row's margins; the logarithm of their exponents' sum. */
  def probabilities(margins: Array[Double], at: Int): Double = {
    var most = margins(at)
    var c = 1
    while (c < classes) { most = Math.max(most, margins(at + c)); c += 1 }
    var sum = 0.0
    c = 0
    while (c < classes) {
      margins(at + c) = Math.exp(margins(at + c) - most)
      sum += margins(at + c)
      c += 1
    }
    c = 0
    while (c < classes) { margins(at + c) /= sum; c += 1 }
    most + Math.log(sum)
  }

  def curve(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      direction: Array[Double],
      models: Int
  ): Unit = {
    var r = 0
    while (r < n) {
      val weight = rows.weight(from + r)
      var at = r * models
      while (at + classes <= (r + 1) * models) {
        probabilities(margins, at)
        var mean = 0.0
        var c = 0
        while (c < classes) { mean += margins(at + c) * direction(at + c); c += 1 }
        c = 0
        while (c < classes) {
          direction(at + c) = weight * margins(at + c) * (direction(at + c) - mean)
          c += 1
        }
        at += classes
      }
      r += 1
    }
  }
}

/** One binary problem for each class: it against all others. */
final case class OneVsRestLoss(of: MarginLoss, classes: Int) extends Loss {
  def outputs: Int = classes

  def slopes(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      models: Int,
      values: Array[Double]
  ): Unit = {
    var r = 0
    while (r < n) {
      val (label, weight) = (rows.labels(from + r).toInt, rows.weight(from + r))
      var j = 0
      while (j < values.length * classes) {
        val y = if (j % classes == label) 1.0 else 0.0
        val at = r * models + j
        values(j / classes) += weight * of.value(y, margins(at))
        margins(at) = weight * of.slope(y, margins(at))
        j += 1
      }
      r += 1
    }
  }

  def curve(
      rows: Examples,
      from: Int,
      n: Int,
      margins: Array[Double],
      direction: Array[Double],
      models: Int
  ): Unit = {
    var r = 0
    while (r < n) {
      val (label, weight) = (rows.labels(from + r).toInt, rows.weight(from + r))
      var j = 0
      while (j < models) {
        val y = if (j % classes == label) 1.0 else 0.0
        direction(r * models + j) *= weight * of.curvature(y, margins(r * models + j))
        j += 1
      }
      r += 1
    }
  }
}
