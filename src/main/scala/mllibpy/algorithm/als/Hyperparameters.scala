package mllibpy.algorithm.als

import mllibpy.kernel.{Prior, Scramble, Stride}
import org.apache.commons.math3.distribution.GammaDistribution
import org.apache.commons.math3.linear.{
  Array2DRowRealMatrix,
  CholeskyDecomposition,
  LUDecomposition,
  RealMatrix
}
import org.apache.commons.math3.random.{RandomGenerator, Well19937c}

/** Draws of the hyperparameters of Bayesian matrix factorisation (Salakhutdinov, Mnih 2008): rows
  * of a side are N(mu, L^-1), where (mu, L) have a Normal-Wishart prior with mean 0, strength 2,
  * scale I and as many degrees of freedom as factors.
  *
  * @param width
  *   columns to a row: the factors and the bias that are drawn, and the one that is 1
  */
final class Hyperparameters(width: Int, seed: Long) {
  import Hyperparameters._

  private val stride = Stride.of(width)

  /** The prior for a half-step of a side.
    *
    * @param gramian
    *   sum of x x^T over the side's rows, the 1 among their columns; null before there are any
    * @param rows
    *   how many there are
    * @param noise
    *   precision of a rating
    */
  def draw(
      side: Side,
      pinned: Int,
      gramian: Array[Float],
      rows: Long,
      noise: Double,
      sweep: Int
  ): Prior = {
    val salt = Scramble.mix(Scramble.mix(seed) + 2L * sweep + side.number)
    val free = (0 until width).filter(_ != pinned).toArray
    val random = new Well19937c(salt)
    val (mean, precision) =
      if (gramian == null) (new Array[Double](free.length), identity(free.length))
      else posterior(moments(gramian, free, pinned, rows), random)
    val full = new Array[Float](stride * stride)
    val shift = new Array[Float](stride)
    for (i <- free.indices) {
      var s = 0.0
      for (j <- free.indices) {
        full(free(i) * stride + free(j)) = precision.getEntry(i, j).toFloat
        s += precision.getEntry(i, j) * mean(j)
      }
      shift(free(i)) = s.toFloat
    }
    new Prior(full, shift, noise.toFloat, Scramble.mix(salt + 1))
  }

  private def moments(gramian: Array[Float], free: Array[Int], one: Int, rows: Long): Moments = {
    val mean = free.map(j => gramian(j * stride + one).toDouble / rows)
    val scatter = new Array2DRowRealMatrix(free.length, free.length)
    for (i <- free.indices; j <- free.indices)
      scatter.setEntry(i, j, gramian(free(i) * stride + free(j)) - rows * mean(i) * mean(j))
    Moments(rows, mean, scatter)
  }

  /** A rating's precision given the squared errors of all: Gamma with shape and rate 1/2 before. */
  def noise(squares: Double, ratings: Long, sweep: Int): Double = {
    val random = new Well19937c(Scramble.mix(Scramble.mix(seed + 1) + sweep))
    new GammaDistribution(random, (1 + ratings) / 2.0, 2 / (1 + squares)).sample()
  }
}

private object Hyperparameters {
  private final val Strength = 2.0

  /** Count, mean and sum of (x - mean)(x - mean)^T. */
  final case class Moments(count: Long, mean: Array[Double], scatter: RealMatrix)

  private def identity(n: Int): RealMatrix = {
    val out = new Array2DRowRealMatrix(n, n)
    (0 until n).foreach(i => out.setEntry(i, i, 1))
    out
  }

  private def posterior(m: Moments, random: RandomGenerator): (Array[Double], RealMatrix) = {
    val d = m.mean.length
    val strength = Strength + m.count
    val pull = Strength * m.count / strength
    val inverseScale = identity(d).add(m.scatter)
    for (i <- 0 until d; j <- 0 until d)
      inverseScale.addToEntry(i, j, pull * m.mean(i) * m.mean(j))
    val scale = symmetric(new LUDecomposition(inverseScale).getSolver.getInverse)
    val precision = wishart(scale, d.toDouble + m.count, random)
    val around = m.mean.map(_ * m.count / strength)
    // mu ~ N(around, (strength L)^-1): with L = C C^T, C^-T z has covariance L^-1.
    val c = new CholeskyDecomposition(precision, 1e-6, 1e-300).getLT
    val z = Array.fill(d)(random.nextGaussian() / Math.sqrt(strength))
    val shifted = new LUDecomposition(c).getSolver
      .solve(new org.apache.commons.math3.linear.ArrayRealVector(z, false))
    (Array.tabulate(d)(i => around(i) + shifted.getEntry(i)), precision)
  }

  /** Bartlett's decomposition. */
  private def wishart(scale: RealMatrix, freedom: Double, random: RandomGenerator): RealMatrix = {
    val d = scale.getRowDimension
    val a = new Array2DRowRealMatrix(d, d)
    for (i <- 0 until d) {
      val chiSquared = new GammaDistribution(random, (freedom - i) / 2, 2).sample()
      a.setEntry(i, i, Math.sqrt(chiSquared))
      for (j <- 0 until i) a.setEntry(i, j, random.nextGaussian())
    }
    val la = new CholeskyDecomposition(scale, 1e-6, 1e-300).getL.multiply(a)
    symmetric(la.multiply(la.transpose))
  }

  private def symmetric(m: RealMatrix): RealMatrix = m.add(m.transpose).scalarMultiply(0.5)
}
