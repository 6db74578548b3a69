package mllibpy.kernel

/** Least squares with x >= 0 by cyclic coordinate descent on the normal equations: exact along each
  * coordinate, so the objective never rises, and convergent because the problem is convex (Franc,
  * Hlavac, Navara: Sequential coordinate-wise algorithm for the non-negative least squares problem,
  * 2005).
  */
final class CoordinateDescent(rank: Int) {
  private val gradient = new Array[Double](rank)

  /** Minimises x^T a x - 2 x.b over x >= 0, from the given x, in place.
    *
    * @param a
    *   IN upper triangle, rows `stride` apart
    * @return
    *   the minimum found
    */
  def minimise(a: Array[Float], stride: Int, b: Array[Float], x: Array[Float]): Double = {
    start(a, stride, b, x)
    var sweep = 0
    var moved = Double.MaxValue
    while (sweep < CoordinateDescent.MaxSweeps && moved > CoordinateDescent.Tolerance) {
      moved = this.sweep(a, stride, x)
      sweep += 1
    }
    value(b, x)
  }

  private def entry(a: Array[Float], stride: Int, i: Int, j: Int): Double =
    if (i <= j) a(i * stride + j).toDouble else a(j * stride + i).toDouble

  private def start(a: Array[Float], stride: Int, b: Array[Float], x: Array[Float]): Unit = {
    var i = 0
    while (i < rank) {
      if (x(i) < 0) x(i) = 0
      i += 1
    }
    i = 0
    while (i < rank) {
      var g = -b(i).toDouble
      var j = 0
      while (j < rank) { g += entry(a, stride, i, j) * x(j); j += 1 }
      gradient(i) = g
      i += 1
    }
  }

  /** One pass over the coordinates; the largest move relative to the largest coordinate before or
    * after it: a pass that brings all of them to zero has moved.
    */
  private def sweep(a: Array[Float], stride: Int, x: Array[Float]): Double = {
    var largest = 0.0
    var move = 0.0
    var i = 0
    while (i < rank) {
      val d = a(i * stride + i).toDouble
      val next = if (d > 0) Math.max(0.0, x(i) - gradient(i) / d).toFloat else x(i)
      val step = next.toDouble - x(i)
      largest = Math.max(largest, Math.max(x(i), next).toDouble)
      if (step != 0) {
        x(i) = next
        var j = 0
        while (j < rank) { gradient(j) += step * entry(a, stride, i, j); j += 1 }
      }
      move = Math.max(move, Math.abs(step))
      i += 1
    }
    if (largest > 0) move / largest else 0
  }

  /** x^T a x - 2 x.b = x.(gradient - b), since gradient = a x - b. */
  private def value(b: Array[Float], x: Array[Float]): Double = {
    var sum = 0.0
    var i = 0
    while (i < rank) { sum += x(i) * (gradient(i) - b(i)); i += 1 }
    sum
  }
}

object CoordinateDescent {
  final val MaxSweeps = 500
  final val Tolerance = 1e-6
}
