package mllibpy.algorithm.linear

import mllibpy.kernel.linear.{DenseDoubles, DenseExamples, GramSum, PlainDoubles, VectorDoubles}
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Least squares from sums of products. */
class QuadraticSuite extends AnyFunSuite {
  private val random = new Random(3)
  private val (rows, features) = (150, 11)
  private val x = Array.fill(rows, features)(random.nextGaussian() + 2)
  private val targets = x.map(r => r(0) - 2 * r(3) + random.nextGaussian())
  private val weights = Array.fill(rows)(random.nextDouble() + 0.1)
  private val means = Array.tabulate(features)(f => x.map(_(f)).sum / rows)

  private def block(from: Int, until: Int, products: DenseDoubles) = {
    val stride = DenseDoubles.padded(features)
    val values = new Array[Double]((until - from) * stride)
    for (r <- from until until) System.arraycopy(x(r), 0, values, (r - from) * stride, features)
    new DenseExamples(
      features,
      values,
      targets.slice(from, until),
      weights.slice(from, until),
      products
    )
  }

  private def sum(products: DenseDoubles, cuts: Int*) = {
    val ends = 0 +: cuts :+ rows
    ends
      .zip(ends.tail)
      .map { case (a, b) =>
        new GramSum(features, means, 0.5, products.tiles).add(block(a, b, products))
      }
      .reduce(_ merge _)
  }

  for (products <- Seq(PlainDoubles, VectorDoubles); cuts <- Seq(Nil, Seq(1, 64, 100)))
    test(s"products are those of the definition: $products, cut at $cuts") {
      val found = sum(products, cuts: _*)
      def of(f: Int, r: Int) = x(r)(f) - means(f)
      for (f <- 0 until features) {
        for (g <- 0 until features) {
          val right = (0 until rows).map(r => weights(r) * of(f, r) * of(g, r)).sum
          assert(Math.abs(found(f, g) - right) < 1e-9)
        }
        val right = (0 until rows).map(r => weights(r) * of(f, r) * (targets(r) - 0.5)).sum
        assert(Math.abs(found.withTarget(f) - right) < 1e-9)
      }
      val squares = (0 until rows).map(r => weights(r) * Math.pow(targets(r) - 0.5, 2)).sum
      assert(Math.abs(found.targetSquares - squares) < 1e-9)
    }

  private val quadratic = {
    val sums = sum(PlainDoubles)
    new Quadratic(
      Array.tabulate(features * features)(i => sums(i / features, i % features) / rows),
      Array.tabulate(features)(f => sums.withTarget(f) / rows),
      sums.targetSquares / rows,
      Array.fill(features)(1)
    )
  }

  private def slopes(w: Array[Double], l2: Double) =
    quadratic.times(w).zip(quadratic.moment).zip(w).map { case ((a, b), v) => a - b + l2 * v }

  test("at the minimum of a ridge the gradient vanishes") {
    for (l2 <- Seq(0.0, 0.1, 100.0)) {
      val w = quadratic.minimum(Penalty(l2, 0))
      assert(slopes(w, l2).forall(s => Math.abs(s) < 1e-12))
    }
  }

  test("of a singular system, the solution nearest to 0") {
    // Twice the same feature, and one that is always 0.
    val twice = new Quadratic(Array(1, 1, 0, 1, 1, 0, 0, 0, 0), Array(2, 2, 0), 4, Array(1, 1, 1))
    val w = twice.minimum(Penalty(0, 0))
    for ((found, right) <- w.zip(Seq(1.0, 1.0, 0.0))) assert(Math.abs(found - right) < 1e-12)
  }

  for (penalty <- Seq(Penalty(0, 0.1), Penalty(0.2, 0.05), Penalty(0, 100)))
    test(s"coordinate descent meets the conditions of a minimum, $penalty") {
      val found =
        CovarianceDescent.minimise(quadratic, penalty, new Array(features), 1e-12, 10000)
      assert(found.converged && found.gap >= 0)
      for ((s, w) <- slopes(found.w, penalty.l2).zip(found.w))
        if (w == 0) assert(Math.abs(s) <= penalty.l1 + 1e-6)
        else assert(Math.abs(s + penalty.l1 * Math.signum(w)) < 1e-5)
      // The gap bounds how far any point is from the minimum.
      for (_ <- 1 to 20) {
        val w = found.w.map(_ + 0.1 * random.nextGaussian())
        val gap = CovarianceDescent.dualityGap(quadratic, penalty, w, quadratic.times(w))
        val above = quadratic.objective(w, penalty) - quadratic.objective(found.w, penalty)
        assert(above >= -1e-12 && gap >= above - 1e-9)
      }
    }
}
