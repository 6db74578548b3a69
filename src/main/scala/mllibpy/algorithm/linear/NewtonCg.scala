package mllibpy.algorithm.linear

/** Newton's method whose steps are found by conjugate gradients on products with the Hessian
  * (Nocedal and Wright: Numerical optimization, 2006, algorithm 7.1; how exact a step is follows
  * Eisenstat and Walker, 1996). For losses that have second derivatives, without L1. A step costs a
  * pass for each product and one or more for its line search.
  */
private[linear] object NewtonCg {
  private final val MostProducts = 50

  /** @param evaluate
    *   value and gradient at a point
    * @param product
    *   the Hessian at a point, times a direction
    * @param see
    *   is told of each iteration's value
    */
  def minimise(
      start: Array[Double],
      stopping: Stopping,
      evaluate: Array[Double] => (Double, Array[Double]),
      product: (Array[Double], Array[Double]) => Array[Double],
      see: Best => Unit
  ): (Best, Int, String) = {
    var at = start
    var (value, gradient) = evaluate(at)
    var ended = Minimiser.atStart(value, gradient, stopping)
    var done = 0
    while (ended.isEmpty) {
      val direction = step(gradient, product(at, _))
      advance(at, value, gradient, direction, evaluate) match {
        case None                        => ended = Some(Stopping.Exhausted)
        case Some((next, found, slopes)) =>
          val before = value
          at = next
          value = found
          gradient = slopes
          done += 1
          see(Best(at, value, Vectors.largest(gradient)))
          ended = stopping.reason(done, before, value, Vectors.largest(gradient))
      }
    }
    (Best(at, value, Vectors.largest(gradient)), done, ended.get)
  }

  /** Solves H p = -g until the residual is a share of g that falls with it. */
  private def step(
      gradient: Array[Double],
      product: Array[Double] => Array[Double]
  ): Array[Double] = {
    val p = new Array[Double](gradient.length)
    val residual = gradient.map(-_)
    var direction = residual.clone()
    var size = Vectors.dot(residual, residual)
    val enough = size * Math.min(0.25, Math.sqrt(size))
    var products = 0
    while (size > enough && products < MostProducts) {
      val h = product(direction)
      products += 1
      val curvature = Vectors.dot(direction, h)
      if (curvature <= 0) {
        if (products == 1) Vectors.add(1, residual, p)
        products = MostProducts
      } else {
        val length = size / curvature
        Vectors.add(length, direction, p)
        Vectors.add(-length, h, residual)
        val before = size
        size = Vectors.dot(residual, residual)
        val next = residual.clone()
        Vectors.add(size / before, direction, next)
        direction = next
      }
    }
    p
  }

  /** Halves the step until the value falls enough; None where it never does. */
  private def advance(
      at: Array[Double],
      value: Double,
      gradient: Array[Double],
      direction: Array[Double],
      evaluate: Array[Double] => (Double, Array[Double])
  ): Option[(Array[Double], Double, Array[Double])] = {
    val slope = Vectors.dot(gradient, direction)
    Iterator
      .iterate(1.0)(_ / 2)
      .take(Lbfgs.MostTries)
      .map { length =>
        val next = at.clone()
        Vectors.add(length, direction, next)
        val (found, slopes) = evaluate(next)
        (found <= value + Lbfgs.Armijo * length * slope, (next, found, slopes))
      }
      .find(_._1)
      .map(_._2)
  }
}
