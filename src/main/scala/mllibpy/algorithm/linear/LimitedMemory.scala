package mllibpy.algorithm.linear

/** The inverse Hessian as the last steps and changes of the gradient show it, times a vector
  * (Nocedal: Updating quasi-Newton matrices with limited storage, 1980; the two loops of Nocedal
  * and Wright: Numerical optimization, 2006, algorithm 7.4).
  *
  * @param first
  *   multiplies by the inverse Hessian that the steps correct, scaled by the last one; None for the
  *   identity
  */
private[linear] final class LimitedMemory(
    memory: Int,
    first: Option[Array[Double] => Array[Double]] = None
) {
  private var steps = Vector.empty[(Array[Double], Array[Double], Double)]

  /** Remembers a step and how the gradient changed; one along which it did not rise says nothing.
    */
  def remember(step: Array[Double], change: Array[Double]): Unit = {
    val curvature = Vectors.dot(step, change)
    if (curvature > 1e-16 * Vectors.dot(change, change))
      steps = (steps :+ ((step, change, 1 / curvature))).takeRight(memory)
  }

  def isEmpty: Boolean = steps.isEmpty

  /** Whether products are of the length of a step. */
  def scaled: Boolean = first.nonEmpty || steps.nonEmpty
  def forget(): Unit = steps = Vector.empty

  def times(gradient: Array[Double]): Array[Double] = {
    var q = gradient.clone()
    val alphas = steps.reverse.map { case (s, y, rho) =>
      val alpha = rho * Vectors.dot(s, q)
      Vectors.add(-alpha, y, q)
      alpha
    }.reverse
    q = first.fold(q)(_(q))
    steps.lastOption.foreach { case (_, y, rho) =>
      Vectors.scale(1 / (rho * Vectors.dot(y, first.fold(y)(_(y)))), q)
    }
    for (((s, y, rho), alpha) <- steps.zip(alphas))
      Vectors.add(alpha - rho * Vectors.dot(y, q), s, q)
    q
  }
}

/** Arithmetic on vectors of doubles. */
private[linear] object Vectors {
  def dot(a: Array[Double], b: Array[Double]): Double = {
    var sum = 0.0
    var i = 0
    while (i < a.length) { sum += a(i) * b(i); i += 1 }
    sum
  }

  /** to += by * v */
  def add(by: Double, v: Array[Double], to: Array[Double]): Unit = {
    var i = 0
    while (i < to.length) { to(i) += by * v(i); i += 1 }
  }

  def scale(by: Double, v: Array[Double]): Unit = {
    var i = 0
    while (i < v.length) { v(i) *= by; i += 1 }
  }

  def minus(a: Array[Double], b: Array[Double]): Array[Double] = {
    val out = a.clone()
    add(-1, b, out)
    out
  }

  def largest(v: Array[Double]): Double = v.foldLeft(0.0)((m, x) => Math.max(m, Math.abs(x)))
}
