package mllibpy.kernel.linear

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Dual losses: what conjugates are by definition, and steps that are maxima. */
class ConjugateSuite extends AnyFunSuite {
  private val random = new Random(1)

  private final class Of(
      val loss: MarginLoss with Conjugate,
      val target: () => Double,
      val alpha: Double => Double
  )

  private def sign(y: Double) = 2 * y - 1
  private def label() = random.nextInt(2).toDouble
  private def number() = random.nextGaussian()

  private val all = Seq(
    new Of(LogisticLoss, () => label(), y => sign(y) * random.nextDouble()),
    new Of(HingeLoss, () => label(), y => sign(y) * random.nextDouble()),
    new Of(SquaredHingeLoss, () => label(), y => sign(y) * 3 * random.nextDouble()),
    new Of(SquaredLoss, () => number(), _ => 3 * number()),
    new Of(HuberLoss(0.7), () => number(), _ => 0.7 * (2 * random.nextDouble() - 1))
  )

  for (of <- all) {
    test(s"${of.loss}: no dual variable says more than the loss; minus the slope says as much") {
      for (_ <- 0 until 500) {
        val (y, m) = (of.target(), 3 * number())
        val value = of.loss.value(y, m)
        val alpha = of.alpha(y)
        assert(of.loss.dual(y, alpha) - alpha * m <= value + 1e-12)
        val best = -of.loss.slope(y, m)
        assert(Math.abs(of.loss.dual(y, best) - best * m - value) < 1e-9 * (1 + value))
        assert(of.loss.dual(y, 0) == 0)
      }
    }

    test(s"${of.loss}: a step ends at the maximum") {
      for (_ <- 0 until 500) {
        val y = of.target()
        val (m, from, q) = (3 * number(), of.alpha(y), Math.exp(2 * number()))
        def gain(alpha: Double) =
          of.loss.dual(y, alpha) - m * (alpha - from) - q / 2 * (alpha - from) * (alpha - from)
        val best = of.loss.ascend(y, m, from, q)
        for (_ <- 0 until 20) {
          val other = of.alpha(y)
          assert(gain(other) <= gain(best) + 1e-9)
          val near = best + 1e-3 * (other - best)
          assert(gain(near) <= gain(best) + 1e-9)
        }
      }
    }
  }

  test("a row of length 0 takes the hinge's whole step") {
    assert(HingeLoss.ascend(1, 0.5, 0, 0) == 1 && HingeLoss.ascend(1, 1.5, 0.25, 0) == 0.25)
  }
}
