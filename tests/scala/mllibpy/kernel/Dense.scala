package mllibpy.kernel

import scala.util.Random

/** Linear algebra in float64 without any cleverness: what the kernels are held against. Matrices
  * are arrays of rows.
  */
object Dense {
  type Matrix = Array[Array[Double]]

  /** Y^T Y. */
  def gramian(y: Matrix, rank: Int): Matrix = {
    val out = Array.ofDim[Double](rank, rank)
    for (row <- y; i <- 0 until rank; j <- 0 until rank) out(i)(j) += row(i) * row(j)
    out
  }

  def dot(x: Array[Double], y: Array[Double]): Double = {
    var sum = 0.0
    for (i <- x.indices) sum += x(i) * y(i)
    sum
  }

  def times(a: Matrix, x: Array[Double]): Array[Double] = a.map(dot(_, x))

  /** a^-1 b by Gauss's elimination with pivoting. */
  def solve(matrix: Matrix, right: Array[Double]): Array[Double] = {
    val a = matrix.map(_.clone)
    val b = right.clone
    val n = b.length
    for (c <- 0 until n) {
      val p = (c until n).maxBy(r => Math.abs(a(r)(c)))
      val row = a(c); a(c) = a(p); a(p) = row
      val entry = b(c); b(c) = b(p); b(p) = entry
      for (r <- c + 1 until n) {
        val f = a(r)(c) / a(c)(c)
        for (j <- c until n) a(r)(j) -= f * a(c)(j)
        b(r) -= f * b(c)
      }
    }
    for (r <- n - 1 to 0 by -1) {
      for (j <- r + 1 until n) b(r) -= a(r)(j) * b(j)
      b(r) /= a(r)(r)
    }
    b
  }

  /** The rows of a padded float32 matrix. */
  def rows(padded: Array[Float], rank: Int): Matrix =
    padded.grouped(Stride.of(rank)).map(_.take(rank).map(_.toDouble)).toArray

  /** Random rows, padded with zeros. */
  def factors(random: Random, count: Int, rank: Int, nonnegative: Boolean = false): Array[Float] =
    Stride.pad(
      Array.fill(count * rank) {
        val x = random.nextGaussian().toFloat
        if (nonnegative) Math.abs(x) else x
      },
      rank
    )
}
