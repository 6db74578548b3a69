package mllibpy.algorithm.linear

import mllibpy.kernel.Tiles

/** Cholesky's factors of matrices with a unit diagonal, and what they solve. Columns are taken in
  * panels: what is right of a panel loses the panel's product with itself, by the kernel for such
  * products (Golub, Van Loan: Matrix Computations, 4.2.9).
  */
private[linear] object Cholesky {
  // Below it, a pivot of a matrix with a unit diagonal is rounding.
  private final val LeastPivot = 1e-11
  private final val Panel = 64

  /** The factor in the lower triangle; false where a pivot is not clearly positive.
    *
    * @param a
    *   by row
    */
  def factor(a: Array[Double], n: Int): Boolean =
    if (n <= Panel) diagonal(a, n, 0, n)
    else {
      // Rows as long as the kernel wants them.
      val stride = Tiles.padded(n)
      val l = new Array[Double](n * stride)
      for (i <- 0 until n) System.arraycopy(a, i * n, l, i * stride, i + 1)
      val fine = (0 until n by Panel).forall { k =>
        val end = Math.min(k + Panel, n)
        val positive = diagonal(l, stride, k, end)
        if (positive) {
          below(l, stride, n, k, end)
          shrink(l, stride, n, k, end)
        }
        positive
      }
      for (i <- 0 until n) System.arraycopy(l, i * stride, a, i * n, i + 1)
      fine
    }

  /** Rows and columns from until end, the columns before them being done with. */
  private def diagonal(l: Array[Double], stride: Int, from: Int, end: Int): Boolean = {
    var j = from
    var fine = true
    while (j < end && fine) {
      val at = j * stride
      val pivot = l(at + j) - dot(l, at + from, at + from, j - from)
      fine = pivot > LeastPivot
      val root = Math.sqrt(pivot)
      l(at + j) = root
      var i = j + 1
      while (i < end && fine) {
        val to = i * stride
        l(to + j) = (l(to + j) - dot(l, to + from, at + from, j - from)) / root
        i += 1
      }
      j += 1
    }
    fine
  }

  /** The rows below a panel's diagonal. */
  private def below(l: Array[Double], stride: Int, n: Int, from: Int, end: Int): Unit = {
    var i = end
    while (i < n) {
      val to = i * stride
      var j = from
      while (j < end) {
        val at = j * stride
        l(to + j) = (l(to + j) - dot(l, to + from, at + from, j - from)) / l(at + j)
        j += 1
      }
      i += 1
    }
  }

  /** What is right of the panel loses L L^T, strip by strip up to the diagonal. */
  private def shrink(l: Array[Double], stride: Int, n: Int, from: Int, end: Int): Unit =
    if (end < n) {
      val (depth, wide) = (end - from, stride - end)
      val minus = new Array[Double](depth * wide)
      for (j <- end until n; e <- 0 until depth)
        minus(e * wide + j - end) = -l(j * stride + from + e)
      for (r <- end until n by Panel) {
        val rows = Math.min(Panel, n - r)
        val columns = Math.min(r + Panel, stride) - end
        val (at, to) = (r * stride + from, r * stride + end)
        Tiles.best.multiply(
          l,
          at,
          stride,
          1,
          rows,
          depth,
          minus,
          0,
          wide,
          columns,
          l,
          to,
          stride
        )
      }
    }

  def solve(l: Array[Double], n: Int, b: Array[Double]): Array[Double] = {
    val x = b.clone()
    for (i <- 0 until n) {
      var sum = x(i)
      for (j <- 0 until i) sum -= l(i * n + j) * x(j)
      x(i) = sum / l(i * n + i)
    }
    for (i <- n - 1 to 0 by -1) {
      var sum = x(i)
      for (j <- i + 1 until n) sum -= l(j * n + i) * x(j)
      x(i) = sum / l(i * n + i)
    }
    x
  }

  private def dot(a: Array[Double], p: Int, q: Int, n: Int): Double = {
    var sum = 0.0
    var i = 0
    while (i < n) { sum += a(p + i) * a(q + i); i += 1 }
    sum
  }
}
