package mllibpy.kernel

/** Solves a row that has fewer ratings than factors, n < k, by a system of n unknowns (Woodbury):
  * the minimum of |t - Y x|^2 + ridge |x|^2 is at x = Y^T z with (Y Y^T + ridge I) z = t, and is
  * ridge t.z.
  *
  * Explicit ratings of equal weight alone: elsewhere the Gramian of all rows makes every row as
  * long as the rank.
  */
private[kernel] final class Dual(rank: Int, arithmetic: Arithmetic, longest: Int) {
  private val stride = Stride.of(rank)
  private val most = Stride.of(longest)
  private val a = new Array[Float](most * most)
  private val tile = new Array[Float](rank * most)
  private val t = new Array[Float](most)
  private val z = new Array[Float](most)
  private val none = Array.emptyFloatArray

  /** The row's part of the objective, as of [[RowMethod.solve]]; NaN where the system is singular,
    * and x is then as it was.
    */
  def solve(ratings: RowRatings, around: Surroundings, ridge: Float, x: Array[Float]): Double = {
    val n = ratings.n
    val width = Stride.of(n)
    transpose(ratings, around.fixed, width)
    target(ratings, around, width)
    arithmetic.symmetricUpdate(a, width, tile, 0, rank, add = false)
    RowSolver.regularise(a, width, n, ridge)
    System.arraycopy(t, 0, z, 0, width)
    if (!arithmetic.cholesky(a, width)) Double.NaN
    else {
      arithmetic.solve(a, width, z)
      if (!RowSolver.finite(z, n)) Double.NaN
      else {
        java.util.Arrays.fill(x, 0f)
        val value = ridge.toDouble * arithmetic.dot(t, 0, z, 0, width)
        if (ratings.roots != null) multiply(z, ratings.roots, n)
        arithmetic.gather(around.fixed, stride, 0, stride, ratings.columns, 0, n, null, z, none, x)
        if (around.pinned >= 0) x(around.pinned) = 1f
        value
      }
    }
  }

  /** Factor j of rating e to j * width + e; zeros behind the last rating. */
  private def transpose(ratings: RowRatings, fixed: Array[Float], width: Int): Unit = {
    var e = 0
    while (e < ratings.n) {
      var from = ratings.columns(e) * stride
      var to = e
      val end = from + rank
      val root = if (ratings.roots == null) 1f else ratings.roots(e)
      while (from < end) { tile(to) = root * fixed(from); from += 1; to += width }
      e += 1
    }
    if (ratings.n < width) {
      var j = 0
      while (j < rank) {
        java.util.Arrays.fill(tile, j * width + ratings.n, (j + 1) * width, 0f)
        j += 1
      }
    }
  }

  /** What is to be reached: the ratings, less what the factor that stays 1 gives. */
  private def target(ratings: RowRatings, around: Surroundings, width: Int): Unit = {
    System.arraycopy(ratings.targets, 0, t, 0, ratings.n)
    java.util.Arrays.fill(t, ratings.n, width, 0f)
    if (ratings.roots != null) divide(t, ratings.roots, ratings.n)
    if (around.pinned >= 0) {
      val from = around.pinned * width
      var e = 0
      while (e < ratings.n) {
        t(e) -= tile(from + e)
        tile(from + e) = 0f
        e += 1
      }
    }
  }

  private def multiply(v: Array[Float], by: Array[Float], n: Int): Unit = {
    var e = 0
    while (e < n) { v(e) *= by(e); e += 1 }
  }

  /** A rating of weight 0 has a target of 0. */
  private def divide(v: Array[Float], by: Array[Float], n: Int): Unit = {
    var e = 0
    while (e < n) { v(e) = if (by(e) > 0) v(e) / by(e) else 0f; e += 1 }
  }
}

private[kernel] object Dual {

  /** The most ratings of a row for which this is faster (measured by `RowBench` in bench/jmh):
    * three quarters of the rank, and a system that is smaller when both are rounded up to whole
    * vectors.
    */
  def most(rank: Int): Int = Math.max(0, Math.min(rank * 3 / 4, Stride.of(rank) - Stride.Lanes))
}
