package mllibpy.algorithm.linear

import mllibpy.engine.{Monitor, StepRecord}

/** Linear regression from one pass: the products of features are summed, and each setting of the
  * penalty is solved from them on the driver.
  *
  * Crossings: one job, which brings (features)^2 / 2 numbers of each partition to the driver.
  */
private[linear] object LeastSquares {

  // Features up to which their products are worth a pass and the driver's memory.
  final val MostFeatures = 2048

  def path(
      data: LinearData,
      penalties: Seq[Penalty],
      intercept: Boolean,
      standardize: Boolean,
      stopping: Stopping,
      monitor: Monitor
  ): Seq[Trained] = {
    val began = System.nanoTime()
    val m = data.moments
    val means = if (intercept) m.means else new Array[Double](data.features)
    val targetMean = if (intercept) m.targetMean else 0
    val sums = LinearData.gram(data.blocks, data.features, means, targetMean)
    val n = data.features
    // Around its mean a column of one number is nothing but rounding.
    val says = Array.tabulate(n)(f => !intercept || m.variance(f) > 0)
    val quadratic = new Quadratic(
      Array.tabulate(n * n)(i =>
        if (says(i / n) && says(i % n)) sums(i / n, i % n) / m.weight else 0
      ),
      Array.tabulate(n)(f => if (says(f)) sums.withTarget(f) / m.weight else 0),
      sums.targetSquares / m.weight,
      Array.tabulate(n)(f => if (standardize) Math.sqrt(m.variance(f)) else 1)
    )
    var before = new Array[Double](n)
    // From the strongest penalty on, each starts where the one before has ended.
    val order = penalties.indices.sortBy(i => -penalties(i).l1)
    val found = order.map { i =>
      val (w, trained) = solve(quadratic, penalties(i), before, stopping)
      before = w
      val seconds = (System.nanoTime() - began) / 1e9
      monitor.record(StepRecord(1, "pass", trained.objective, seconds))
      val shift = w.indices.map(f => w(f) * means(f)).sum
      i -> trained.copy(coefficients = w :+ (if (intercept) targetMean - shift else 0.0))
    }
    found.sortBy(_._1).map(_._2)
  }

  private def solve(
      quadratic: Quadratic,
      penalty: Penalty,
      start: Array[Double],
      stopping: Stopping
  ): (Array[Double], Trained) =
    if (penalty.l1 == 0) {
      val w = quadratic.minimum(penalty)
      (w, trained(quadratic, penalty, w, None, 1, "solved from the normal equations"))
    } else {
      val found =
        CovarianceDescent.minimise(quadratic, penalty, start, stopping.tolerance, stopping.maxIter)
      val reason =
        if (found.converged) "the duality gap is within tol"
        else s"max_iter=${stopping.maxIter} iterations done"
      (found.w, trained(quadratic, penalty, found.w, Some(found.gap), found.sweeps, reason))
    }

  private def trained(
      quadratic: Quadratic,
      penalty: Penalty,
      w: Array[Double],
      gap: Option[Double],
      iterations: Int,
      reason: String
  ) = {
    val product = quadratic.times(w)
    val gradient = w.indices.map { f =>
      val slope = product(f) - quadratic.moment(f) + quadratic.l2(penalty, f) * w(f)
      val l1 = quadratic.l1(penalty, f)
      if (w(f) != 0) Math.abs(slope + Math.signum(w(f)) * l1)
      else Math.max(0, Math.abs(slope) - l1)
    }.max
    val objective = quadratic.objective(w, penalty)
    Trained(w, objective, gradient, iterations, reason, Seq(objective), gap)
  }
}
