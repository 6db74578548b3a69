package mllibpy.algorithm.linear

import mllibpy.engine.{Blocks, Shared}
import mllibpy.kernel.linear.{
  Examples,
  HessianPlan,
  HessianSum,
  Loss,
  LossSum,
  MarginLoss,
  Moments,
  NewtonSum,
  Shape,
  SvrgEpoch,
  SvrgPlan
}

/** How much a setting penalises: `l2 / 2 |w|^2 + l1 |w|_1`, intercepts left out. */
final case class Penalty(l2: Double, l1: Double)

/** What is minimised, for one or several settings of the penalty at once: the weighted mean of the
  * loss plus the penalty,
  * {{{sum of weight * loss(y, x.w + b) / sum of weight + l2 / 2 |w|^2 + l1 |w|_1}}}
  *
  * Minimisers see coordinates v in which features are centred (where there is an intercept) and
  * scaled, w_f = v_f scale_f: the penalty is the same, but the Hessian's diagonal is about 1, so
  * that few steps are enough. With `standardize` the penalty is on the coefficients of features of
  * variance 1.
  */
private[linear] final class Problem(
    blocks: Blocks[Examples],
    val loss: Loss,
    moments: Moments,
    stride: Int,
    sparse: Boolean,
    intercept: Boolean,
    standardize: Boolean
) {
  val features: Int = moments.features
  val outputs: Int = loss.outputs
  var passes = 0
  var bytes = 0L

  private val deviations = Array.tabulate(features)(f => Math.sqrt(moments.variance(f)))

  /** Numbers in a setting's coordinates: by output, its features' and then its intercept. */
  val length: Int = outputs * (features + 1)

  /** A setting's scales; 0 keeps the coefficient of a feature that says nothing at 0. */
  def scales(penalty: Penalty): Array[Double] =
    deviations.zip(moments.means).map { case (d, mean) =>
      val l2 = penalty.l2 * (if (standardize) d * d else 1)
      // Without an intercept a feature's share is not that of its distance from the mean.
      val spread = d * d + (if (intercept) 0 else mean * mean)
      if (spread > 0) 1 / Math.sqrt(Problem.Curvature * spread + l2) else 0
    }

  /** The L1 penalty of each coordinate. */
  def l1(penalty: Penalty): Array[Double] = {
    val by = scales(penalty)
    Array.tabulate(length) { i =>
      val f = i % (features + 1)
      if (f == features) 0 else penalty.l1 * by(f) * (if (standardize) deviations(f) else 1)
    }
  }

  /** Value and gradient of the smooth part for some settings at their points: one pass. */
  def evaluate(settings: Seq[(Penalty, Array[Double])]): Seq[(Double, Array[Double])] = {
    val shape = Shape(stride, settings.length * outputs)
    val total = pass(shape, raw(settings, shape))
    settings.zipWithIndex.map { case ((penalty, v), s) =>
      val gradient = fromRaw(penalty, total.gradient, shape, s)
      Vectors.scale(1 / total.weight, gradient)
      val penalised = ridge(penalty, v, gradient)
      (total.values(s) / total.weight + penalised, gradient)
    }
  }

  private def pass(shape: Shape, at: Array[Double]): LossSum = {
    passes += 1
    bytes += 8L * shape.length * blocks.partitions
    Problem.lossSum(blocks, blocks.share(at), loss, shape)
  }

  /** Value, gradient and Hessian of the smooth part at a setting's point: one pass. The loss has
    * one margin.
    */
  def curved(penalty: Penalty, v: Array[Double]): NewtonCholesky.Curved = {
    val shape = Shape(stride, 1)
    val centres = if (intercept) moments.means else new Array[Double](features)
    val plan = HessianPlan(stride, centres, scales(penalty), intercept)
    passes += 1
    bytes += plan.bytes * blocks.partitions
    val at = blocks.share(raw(Seq((penalty, v)), shape))
    val sum = Problem.newtonSum(blocks, at, loss.asInstanceOf[MarginLoss], plan)
    val weight = sum.first.weight
    val gradient = fromRaw(penalty, sum.first.gradient, shape, 0)
    Vectors.scale(1 / weight, gradient)
    val value = sum.first.values(0) / weight + ridge(penalty, v, gradient)
    val hessian = sum.hessian(plan)
    Vectors.scale(1 / weight, hessian)
    for ((of, i) <- ridges(penalty).zipWithIndex) hessian(i * (length + 1)) += of
    NewtonCholesky.Curved(value, gradient, hessian)
  }

  /** For each setting what multiplies by the inverse of its Hessian at a common start: one pass for
    * all, as their Hessians differ by scales and ridges alone. The loss has one margin.
    */
  def inverses(
      penalties: Seq[Penalty],
      start: Option[Array[Double]]
  ): Seq[Array[Double] => Array[Double]] = {
    val none = Penalty(0, 0)
    val at = start.map(point(none, _)).getOrElse(new Array[Double](length))
    val seen = curved(none, at)
    Minimiser.refuseInfinite(seen.value)
    val plain = seen.hessian
    val by = scales(none)
    penalties.map { penalty =>
      val own = scales(penalty)
      val ratio = Array.tabulate(length)(f =>
        if (f == features) 1.0 else if (by(f) > 0) own(f) / by(f) else 0.0
      )
      val hessian =
        Array.tabulate(length * length)(i => plain(i) * ratio(i / length) * ratio(i % length))
      for ((of, i) <- ridges(penalty).zipWithIndex) hessian(i * (length + 1)) += of
      NewtonCholesky.inverse(hessian, length)
    }
  }

  /** The Hessian of a setting at a point, times a direction: one pass. */
  def hessianVector(penalty: Penalty, v: Array[Double], direction: Array[Double]): Array[Double] = {
    val shape = Shape(stride, outputs)
    val (at, along) =
      (raw(Seq((penalty, v)), shape), raw(Seq((penalty, direction)), shape))
    passes += 1
    bytes += 8L * shape.length * blocks.partitions
    val sum = Problem.hessianSum(
      blocks,
      blocks.share(at),
      blocks.share(along),
      loss,
      shape
    )
    val out = fromRaw(penalty, sum.product, shape, 0)
    Vectors.scale(1 / moments.weight, out)
    val of = ridges(penalty)
    for (i <- out.indices) out(i) += of(i) * direction(i)
    out
  }

  /** Where an epoch of local stochastic gradient descent comes to; one pass.
    *
    * @param gradient
    *   where it begins
    * @param shorter
    *   what the longest step that is thought safe is multiplied by
    */
  def epoch(
      penalty: Penalty,
      v: Array[Double],
      gradient: Array[Double],
      shorter: Double,
      seed: Long
  ): Array[Double] = {
    val by = scales(penalty)
    // Sparse rows stay sparse: their features are not centred.
    val centred = intercept && !sparse
    val slopes = gradient.clone()
    if (!centred)
      for (f <- 0 until features) slopes(f) += by(f) * moments.means(f) * gradient(features)
    val plan = SvrgPlan(
      loss.asInstanceOf[MarginLoss],
      stride,
      intercept,
      shorter / smoothness(by, centred),
      by,
      if (centred) moments.means else new Array(features),
      ridges(penalty).take(features),
      slopes,
      moments.rows / moments.weight
    )
    val w = coefficients(penalty, v)
    val at = new Array[Double](stride + 1)
    System.arraycopy(w, 0, at, 0, features)
    at(stride) = w(features)
    passes += 1
    bytes += 8L * (features + 1) * blocks.partitions
    val moved = LocalSgd.epoch(blocks, plan, at, seed).moved
    for (f <- 0 until features) {
      w(f) += moved(f)
      if (centred) w(features) -= plan.centres(f) * moved(f)
    }
    w(features) += moved(features)
    point(penalty, w)
  }

  /** The mean over rows of the largest second derivative along a row. */
  private def smoothness(by: Array[Double], centred: Boolean): Double = {
    val lengths = (0 until features).map { f =>
      val mean = if (centred) 0 else moments.means(f)
      by(f) * by(f) * (moments.variance(f) + mean * mean)
    }
    LocalSgd.curvature(loss).get * (lengths.sum + SvrgEpoch.InterceptStep)
  }

  /** Twice the ridge's second derivative, by coordinate: l2 scale^2. */
  private def ridges(penalty: Penalty): Array[Double] = {
    val by = scales(penalty)
    Array.tabulate(length) { i =>
      val f = i % (features + 1)
      if (f == features) 0
      else penalty.l2 * by(f) * by(f) * (if (standardize) deviations(f) * deviations(f) else 1)
    }
  }

  /** Adds the ridge's gradient; its value. */
  private def ridge(penalty: Penalty, v: Array[Double], gradient: Array[Double]): Double = {
    val of = ridges(penalty)
    var sum = 0.0
    var i = 0
    while (i < v.length) {
      gradient(i) += of(i) * v(i)
      sum += of(i) * v(i) * v(i) / 2
      i += 1
    }
    sum
  }

  /** Coefficients of the features as they are, by output, each with its intercept behind. */
  def coefficients(penalty: Penalty, v: Array[Double]): Array[Double] = {
    val by = scales(penalty)
    val out = new Array[Double](length)
    for (o <- 0 until outputs) {
      val from = o * (features + 1)
      var shift = 0.0
      for (f <- 0 until features) {
        out(from + f) = v(from + f) * by(f)
        shift += out(from + f) * moments.means(f)
      }
      out(from + features) = if (intercept) v(from + features) - shift else 0
    }
    out
  }

  /** Of models that say the same, the one whose classes' intercepts, and where nothing penalises
    * them coefficients, have the mean 0.
    */
  def settled(penalty: Penalty, w: Array[Double]): Array[Double] =
    if (!loss.relative) w
    else {
      val free = penalty.l1 == 0 && penalty.l2 == 0
      val out = w.clone()
      for (f <- 0 to features if free || f == features) {
        val mean = (0 until outputs).map(o => w(o * (features + 1) + f)).sum / outputs
        for (o <- 0 until outputs) out(o * (features + 1) + f) -= mean
      }
      out
    }

  /** The point of some coefficients: where a warm start begins. */
  def point(penalty: Penalty, coefficients: Array[Double]): Array[Double] = {
    val by = scales(penalty)
    val out = new Array[Double](length)
    for (o <- 0 until outputs) {
      val from = o * (features + 1)
      var shift = 0.0
      for (f <- 0 until features) {
        out(from + f) = if (by(f) > 0) coefficients(from + f) / by(f) else 0
        shift += by(f) * out(from + f) * moments.means(f)
      }
      out(from + features) = if (intercept) coefficients(from + features) + shift else 0
    }
    out
  }

  /** All settings' coefficients as a pass wants them. */
  private def raw(settings: Seq[(Penalty, Array[Double])], shape: Shape): Array[Double] = {
    val out = new Array[Double](shape.length)
    for (((penalty, v), s) <- settings.zipWithIndex) {
      val w = coefficients(penalty, v)
      for (o <- 0 until outputs; f <- 0 until features + 1)
        out((if (f == features) stride else f) * shape.columns + s * outputs + o) = w(
          o * (features + 1) + f
        )
    }
    out
  }

  /** A setting's sums by coefficient as sums by coordinate. */
  private def fromRaw(
      penalty: Penalty,
      sums: Array[Double],
      shape: Shape,
      setting: Int
  ): Array[Double] = {
    val by = scales(penalty)
    val out = new Array[Double](length)
    for (o <- 0 until outputs) {
      val column = setting * outputs + o
      val ofIntercept = if (intercept) sums(shape.intercepts + column) else 0
      val to = o * (features + 1)
      for (f <- 0 until features)
        out(to + f) = by(f) * (sums(f * shape.columns + column) - moments.means(f) * ofIntercept)
      out(to + features) = ofIntercept
    }
    out
  }
}

private object Problem {
  // The second derivative of a loss, roughly: a quarter is the most of the logistic one.
  private final val Curvature = 0.25

  // In an object, so that the tasks' closures hold just these arguments.
  def lossSum(
      blocks: Blocks[Examples],
      at: Shared[Array[Double]],
      loss: Loss,
      shape: Shape
  ): LossSum =
    try
      blocks.sum(8L * shape.length)(() => new LossSum(loss, shape, at.value))(_ add _)(_ merge _)
    finally at.destroy()

  def newtonSum(
      blocks: Blocks[Examples],
      at: Shared[Array[Double]],
      loss: MarginLoss,
      plan: HessianPlan
  ): NewtonSum =
    try blocks.sum(plan.bytes)(() => new NewtonSum(loss, plan, at.value))(_ add _)(_ merge _)
    finally at.destroy()

  def hessianSum(
      blocks: Blocks[Examples],
      at: Shared[Array[Double]],
      along: Shared[Array[Double]],
      loss: Loss,
      shape: Shape
  ): HessianSum =
    try
      blocks.sum(8L * shape.length)(() => new HessianSum(loss, shape, at.value, along.value))(
        _ add _
      )(_ merge _)
    finally {
      at.destroy()
      along.destroy()
    }
}
