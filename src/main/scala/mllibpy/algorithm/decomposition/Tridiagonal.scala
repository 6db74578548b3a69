package mllibpy.algorithm.decomposition

import mllibpy.kernel.Tiles
import mllibpy.kernel.decomposition.Columns

/** A symmetric matrix brought to tridiagonal form by Householder's reflections: T = by Q^T A Q.
  *
  * LAPACK's own in Java makes one number at a time; these products go by vectors.
  *
  * @param by
  *   what its numbers are taken times, so that their squares are numbers too
  */
private[decomposition] final class Tridiagonal(
    m: Columns,
    by: Double = 1,
    tiles: Tiles = Tiles.best
) {
  private val n = m.columns
  private val width = m.width
  private val a = m.values.map(_ * by)
  // The reflections H = I - by v v^T, v of column k from k + 1 on.
  private val reflections = new Array[Array[Double]](n)
  private val factors = new Array[Double](n)

  val diagonal: Array[Double] = new Array(n)
  val beside: Array[Double] = new Array(Math.max(0, n - 1))

  for (k <- 0 until n - 2) reflect(k)
  for (k <- 0 until n) diagonal(k) = a(k * width + k)
  if (n > 1) beside(n - 2) = a((n - 2) * width + n - 1)

  private def reflect(k: Int): Unit = {
    val row = k * width
    var squares = 0.0
    for (j <- k + 2 until n) squares += a(row + j) * a(row + j)
    val head = a(row + k + 1)
    if (squares == 0) beside(k) = head
    else {
      val length = Math.sqrt(head * head + squares)
      val v = new Array[Double](width)
      System.arraycopy(a, row + k + 1, v, k + 1, n - k - 1)
      v(k + 1) += (if (head >= 0) length else -length)
      val by = 2 / (v(k + 1) * v(k + 1) + squares)
      beside(k) = if (head >= 0) -length else length
      reflections(k) = v
      factors(k) = by
      update(k + 1, v, by)
    }
  }

  /** A <- H A H on the rows and columns from `from` on. */
  private def update(from: Int, v: Array[Double], by: Double): Unit = {
    val first = from / Tiles.Doubles * Tiles.Doubles
    val across = width - first
    val p = new Array[Double](width)
    var r = from
    while (r < n) {
      val rows = Math.min(16, n - r)
      tiles.multiply(v, r, 0, 1, 1, rows, a, r * width + first, width, across, p, first, width)
      r += rows
    }
    var dot = 0.0
    for (j <- from until n) { p(j) *= by; dot += p(j) * v(j) }
    // w = p - by / 2 (p.v) v; A <- A - v w^T - w v^T
    val (left, right) = (new Array[Double](2 * n), new Array[Double](2 * width))
    for (j <- from until n) {
      val w = p(j) - by / 2 * dot * v(j)
      left(2 * j) = -v(j)
      left(2 * j + 1) = -w
      right(j) = w
      right(width + j) = v(j)
    }
    tiles.multiply(
      left,
      2 * from,
      2,
      1,
      n - from,
      2,
      right,
      first,
      width,
      across,
      a,
      from * width + first,
      width
    )
  }

  /** Vectors of T as those of A: Q z. */
  def back(z: Columns): Columns = {
    val out = new Columns(z.rows, z.columns, z.values.clone())
    for (k <- n - 3 to 0 by -1 if reflections(k) != null) {
      val v = reflections(k)
      val products = new Array[Double](out.width)
      var r = k + 1
      while (r < n) {
        val rows = Math.min(16, n - r)
        tiles.multiply(
          v,
          r,
          0,
          1,
          1,
          rows,
          out.values,
          r * out.width,
          out.width,
          out.width,
          products,
          0,
          out.width
        )
        r += rows
      }
      for (j <- products.indices) products(j) *= -factors(k)
      tiles.multiply(
        v,
        k + 1,
        1,
        1,
        n - k - 1,
        1,
        products,
        0,
        out.width,
        out.width,
        out.values,
        (k + 1) * out.width,
        out.width
      )
    }
    out
  }
}
