package mllibpy.algorithm.linear

/** Steps of [[Newton]] found by conjugate gradients on products with the Hessian (Nocedal and
  * Wright: Numerical optimization, 2006, algorithm 7.1; how exact a step is follows Eisenstat and
  * Walker, 1996). A step costs a pass for each product.
  */
private[linear] object NewtonCg {
  private final val MostProducts = 50

  final case class Slope(value: Double, gradient: Array[Double]) extends Newton.Seen

  /** Solves H p = -g until the residual is a share of g that falls with it. */
  def step(
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
}
