package mllibpy.algorithm.decomposition

import mllibpy.engine.InvalidInput
import mllibpy.kernel.decomposition.Columns
import org.netlib.lapack.{Dgesvd, Dstevr, Dtrtri}
import org.netlib.util.intW

/** Factorisations of matrices that the driver holds. LAPACK's are Spark's own, in Java, so that
  * they are the same on every machine; they see small matrices alone.
  */
private[decomposition] object SmallDense {

  /** m = u diag(s) vt for a square m, values descending. */
  final case class Svd(u: Columns, s: Array[Double], v: Columns)

  def svd(m: Columns): Svd = {
    val n = m.columns
    finite(m.values)
    val a = columnMajor(m)
    val (s, u, vt) = (new Array[Double](n), new Array[Double](n * n), new Array[Double](n * n))
    val info = new intW(0)
    val work = new Array[Double](Math.max(1, 8 * n + n * 64))
    Dgesvd.dgesvd("A", "A", n, n, a, 0, n, s, 0, u, 0, n, vt, 0, n, work, 0, work.length, info)
    converged(info)
    Svd(
      Columns.tabulate(n, n)((i, j) => u(j * n + i)),
      s,
      Columns.tabulate(n, n)((i, j) => vt(i * n + j))
    )
  }

  /** The k largest eigenvalues of a symmetric matrix, descending, and their vectors. */
  final case class Eigen(values: Array[Double], vectors: Columns)

  def eigen(m: Columns, k: Int): Eigen = {
    finite(m.values)
    if (m.columns == 1) Eigen(Array(m(0, 0)), Columns.identity(1))
    else {
      // Reflections take squares, which float64 must hold.
      val unit = Columns.unit(m.values)
      val reduced = new Tridiagonal(m, unit)
      val (values, z) = tridiagonal(reduced.diagonal, reduced.beside, k)
      Eigen(values.map(_ / unit), reduced.back(z))
    }
  }

  /** By bisection and inverse iteration, those that are asked for alone. */
  private def tridiagonal(
      diagonal: Array[Double],
      beside: Array[Double],
      k: Int
  ): (Array[Double], Columns) = {
    val n = diagonal.length
    val (w, z) = (new Array[Double](n), new Array[Double](n * k))
    val (m, info) = (new intW(0), new intW(0))
    val support = new Array[Int](2 * n)
    val (work, iwork) = (new Array[Double](20 * n), new Array[Int](10 * n))
    val off = java.util.Arrays.copyOf(beside, n)
    Dstevr.dstevr(
      "V",
      if (k == n) "A" else "I",
      n,
      diagonal.clone(),
      0,
      off,
      0,
      0.0,
      0.0,
      n - k + 1,
      n,
      0.0,
      m,
      w,
      0,
      z,
      0,
      n,
      support,
      0,
      work,
      0,
      work.length,
      iwork,
      0,
      iwork.length,
      info
    )
    converged(info)
    val values = Array.tabulate(k)(j => w(k - 1 - j))
    (values, Columns.tabulate(n, k)((i, j) => z((k - 1 - j) * n + i)))
  }

  /** The inverse of an upper triangle. */
  def inverse(r: Columns): Columns = {
    val n = r.columns
    val a = columnMajor(r)
    val info = new intW(0)
    Dtrtri.dtrtri("U", "N", n, a, 0, n, info)
    converged(info)
    Columns.tabulate(n, n)((i, j) => if (i <= j) a(j * n + i) else 0)
  }

  private def columnMajor(m: Columns): Array[Double] = {
    val n = m.rows
    val out = new Array[Double](n * m.columns)
    for (i <- 0 until n; j <- 0 until m.columns) out(j * n + i) = m(i, j)
    out
  }

  private def converged(info: intW): Unit =
    if (info.`val` != 0)
      throw new IllegalStateException(s"a small factorisation did not converge: ${info.`val`}")

  private def finite(values: Array[Double]): Unit =
    InvalidInput.unless(
      values.forall(java.lang.Double.isFinite),
      "sums of squares of the data are beyond float64; scale the columns down"
    )
}
