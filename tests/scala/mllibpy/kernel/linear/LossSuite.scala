package mllibpy.kernel.linear

import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

/** Losses against their definitions, their derivatives against differences, and laws. */
class LossSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  private val binary = Seq(
    LogisticLoss,
    HingeLoss,
    SmoothedHingeLoss(0.5),
    SquaredHingeLoss,
    ModifiedHuberLoss,
    PerceptronLoss
  )
  private val real =
    Seq(SquaredLoss, HuberLoss(1.35), InsensitiveLoss(0.5, 1), InsensitiveLoss(0.5, 2))
  private val margins = Gen.choose(-8.0, 8.0)
  private val step = 1e-6

  private def labels(loss: MarginLoss) =
    if (binary.contains(loss)) Gen.oneOf(0.0, 1.0) else Gen.choose(-5.0, 5.0)

  /** Away from the points where a loss bends. */
  private def smooth(loss: MarginLoss, y: Double, m: Double): Boolean = loss match {
    case HingeLoss | SquaredHingeLoss => Math.abs(1 - (2 * y - 1) * m) > 1e-4
    case SmoothedHingeLoss(width)     =>
      Math.min(Math.abs(1 - (2 * y - 1) * m), Math.abs(1 - width - (2 * y - 1) * m)) > 1e-4
    case ModifiedHuberLoss           => Math.abs(Math.abs(m) - 1) > 1e-4
    case PerceptronLoss              => Math.abs(m) > 1e-4
    case InsensitiveLoss(epsilon, _) => Math.abs(Math.abs(m - y) - epsilon) > 1e-4
    case HuberLoss(epsilon)          => Math.abs(Math.abs(m - y) - epsilon) > 1e-4
    case _                           => true
  }

  for (loss <- binary ++ real) {
    test(s"$loss: slope and curvature are the differences of value and slope") {
      forAll(labels(loss), margins) { (y: Double, m: Double) =>
        whenever(smooth(loss, y, m)) {
          val slope = (loss.value(y, m + step) - loss.value(y, m - step)) / (2 * step)
          assert(Math.abs(loss.slope(y, m) - slope) < 1e-6)
          val curvature = (loss.slope(y, m + step) - loss.slope(y, m - step)) / (2 * step)
          assert(Math.abs(loss.curvature(y, m) - curvature) < 1e-5)
        }
      }
    }

    test(s"$loss is convex and never below 0") {
      forAll(labels(loss), margins, margins, Gen.choose(0.0, 1.0)) { (y, a, b, t) =>
        val between = loss.value(y, t * a + (1 - t) * b)
        assert(between <= t * loss.value(y, a) + (1 - t) * loss.value(y, b) + 1e-12)
        assert(loss.value(y, a) >= 0)
      }
    }
  }

  test("values by hand") {
    assert(Math.abs(LogisticLoss.value(1, 0) - Math.log(2)) < 1e-15)
    assert(HingeLoss.value(0, 0.25) == 1.25 && HingeLoss.value(1, 2) == 0)
    assert(SquaredHingeLoss.value(1, -1) == 4)
    assert(SquaredLoss.value(1, 3) == 2)
    assert(HuberLoss(1).value(0, 0.5) == 0.125 && HuberLoss(1).value(0, -3) == 2.5)
  }

  test("margins beyond what exponents hold give finite losses") {
    for (y <- Seq(0.0, 1.0); m <- Seq(-1e4, 1e4)) {
      assert(LogisticLoss.value(y, m) == (if ((y == 1) == (m > 0)) 0 else 1e4))
      assert(LogisticLoss.slope(y, m) == (if (m > 0) 1 - y else -y))
    }
    val far = Array(1e4, -1e4, 0.0)
    assert(MultinomialLoss(3).probabilities(far, 0) == 1e4 && far.toSeq == Seq(1.0, 0.0, 0.0))
  }

  test("the logistic loss by vectors is the plain one") {
    val random = new scala.util.Random(2)
    val n = 37
    def numbers(of: Int, by: Double) = Array.fill(of)(by * random.nextGaussian())
    for (models <- Seq(1, 16); weighted <- Seq(false, true); by <- Seq(1.0, 1e3)) {
      val labels = Array.fill(n + 3)(random.nextInt(2).toDouble)
      val weights = if (weighted) Array.fill(n + 3)(random.nextDouble()) else null
      val rows =
        new SparseExamples(1, new Array(n + 4), Array(), Array(), labels, weights)
      val margins = numbers(n * models, by)
      val (plain, vectors) = (margins.clone(), margins.clone())
      val (right, found) = (new Array[Double](models), new Array[Double](models))
      LogisticLoss.plain(rows, 3, 0, n, plain, models, right)
      LogisticLoss.slopes(rows, 3, n, vectors, models, found)
      for ((a, b) <- plain.zip(vectors) ++ right.zip(found))
        assert(Math.abs(a - b) <= 1e-13 * (1 + Math.abs(a)))
    }
  }

  private def one(y: Double, weight: Double) =
    new SparseExamples(1, Array(0, 0), Array(), Array(), Array(y), Array(weight))

  /** Value and slopes of one row. */
  private def multinomial(y: Int, at: Seq[Double], weight: Double): (Double, Seq[Double]) = {
    val (value, slopes) = (new Array[Double](1), at.toArray.padTo(8, 0.0))
    MultinomialLoss(at.length).slopes(one(y, weight), 0, 1, slopes, 8, value)
    (value(0), slopes.take(at.length).toSeq)
  }

  private val rows = for {
    at <- Gen.listOfN(4, margins)
    y <- Gen.choose(0, 3)
    along <- Gen.listOfN(4, margins)
    weight <- Gen.choose(0.1, 3.0)
  } yield (y, at, along, weight)

  test("multinomial: slopes and curvatures are differences") {
    forAll(rows) { case (y, at, along, weight) =>
      val (_, slopes) = multinomial(y, at, weight)
      def moved(by: Double) =
        multinomial(y, at.zip(along).map { case (a, d) => a + by * d }, weight)
      val slope = (moved(step)._1 - moved(-step)._1) / (2 * step)
      val product = slopes.zip(along).map { case (s, d) => s * d }.sum
      assert(Math.abs(product - slope) < 1e-5 * (1 + Math.abs(slope)))
      val direction = along.toArray.padTo(8, 0.0)
      MultinomialLoss(4).curve(one(y, weight), 0, 1, at.toArray.padTo(8, 0.0), direction, 8)
      for (c <- 0 until 4) {
        val change = (moved(step)._2(c) - moved(-step)._2(c)) / (2 * step)
        assert(Math.abs(direction(c) - change) < 1e-4 * (1 + Math.abs(change)))
      }
    }
  }

  test("multinomial of two classes is logistic of the difference") {
    forAll(margins, margins, Gen.choose(0, 1)) { (a: Double, b: Double, y: Int) =>
      val (value, slopes) = multinomial(y, Seq(a, b), 1)
      assert(Math.abs(value - LogisticLoss.value(y.toDouble, b - a)) < 1e-12 * (1 + value))
      assert(Math.abs(slopes(1) - LogisticLoss.slope(y.toDouble, b - a)) < 1e-12)
    }
  }
}
