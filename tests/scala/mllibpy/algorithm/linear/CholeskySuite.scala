package mllibpy.algorithm.linear

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Factors by panels against what a factor is: L L^T is the matrix. */
class CholeskySuite extends AnyFunSuite {

  /** A matrix of a unit diagonal, the products of random columns. */
  private def correlations(n: Int, rank: Int): Array[Double] = {
    val random = new Random(n)
    val x = Array.fill(n)(Array.fill(rank)(random.nextGaussian()))
    val length = x.map(v => Math.sqrt(v.map(e => e * e).sum))
    Array.tabulate(n * n) { i =>
      val (f, g) = (i / n, i % n)
      x(f).indices.map(e => x(f)(e) * x(g)(e)).sum / (length(f) * length(g))
    }
  }

  // Below, at and above a panel's columns, and such as no vector's width divides.
  for (n <- Seq(1, 7, 64, 65, 129, 200, 256))
    test(s"$n columns") {
      val a = correlations(n, 2 * n)
      val l = a.clone()
      assert(Cholesky.factor(l, n))
      for (i <- 0 until n; j <- 0 to i) {
        val product = (0 to j).map(e => l(i * n + e) * l(j * n + e)).sum
        assert(Math.abs(product - a(i * n + j)) < 1e-13)
      }
      val b = Array.tabulate(n)(i => Math.cos(i.toDouble))
      val x = Cholesky.solve(l, n, b)
      for (i <- 0 until n) {
        val product = (0 until n).map(j => a(i * n + j) * x(j)).sum
        assert(Math.abs(product - b(i)) < 1e-9)
      }
    }

  test("a matrix that is singular, or has no numbers, has none") {
    for (n <- Seq(20, 150)) {
      assert(!Cholesky.factor(correlations(n, n / 2), n))
      assert(!Cholesky.factor(Array.fill(n * n)(Double.NaN), n))
    }
  }
}
