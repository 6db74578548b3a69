package mllibpy.algorithm.linear

import mllibpy.engine.{HereBlocks, Monitor}
import mllibpy.kernel.linear.{
  Examples,
  HuberLoss,
  LogisticLoss,
  Loss,
  ModifiedHuberLoss,
  Moments,
  MultinomialLoss,
  SparseExamples,
  SquaredHingeLoss,
  SquaredLoss
}
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Whole fits: against the conditions of a minimum, one by one and together. */
class TrainerSuite extends AnyFunSuite {
  private val (rows, features) = (200, 5)
  private val random = new Random(2)
  // Features of very different scales and means.
  private val x = Array.fill(rows)(
    Array.tabulate(features)(f => Math.pow(10, f - 2.0) * (random.nextGaussian() + f))
  )
  private val score = x.map(r => r(0) * 50 - r(1) * 8 + r(2) - r(4) * 0.02)
  private val two = score.map(s => if (s + 2 * random.nextGaussian() > 0) 1.0 else 0.0)
  private val three = {
    val noisy = score.map(_ + random.nextGaussian())
    val ordered = noisy.sorted
    noisy.map(s => if (s < ordered(rows / 3)) 0.0 else if (s < ordered(2 * rows / 3)) 1.0 else 2.0)
  }
  private val targets = score.map(_ + random.nextGaussian())
  private val tight = Stopping(1e-11, 2000)

  private def blocks(labels: Array[Double], parts: Int): Seq[Examples] =
    (0 until rows).grouped((rows + parts - 1) / parts).toSeq.map { of =>
      new SparseExamples(
        features,
        of.indices.map(_ * features).toArray :+ of.length * features,
        of.flatMap(_ => 0 until features).toArray,
        of.flatMap(x(_)).toArray,
        of.map(labels(_)).toArray,
        null
      )
    }

  private def problem(
      loss: Loss,
      labels: Array[Double],
      intercept: Boolean = true,
      standardize: Boolean = false,
      parts: Int = 3
  ): Problem = {
    val held = blocks(labels, parts)
    val moments = held.foldLeft(new Moments(features, 0))(_ add _)
    new Problem(new HereBlocks(held), loss, moments, features, true, intercept, standardize)
  }

  private def fit(p: Problem, penalties: Penalty*): Seq[Trained] =
    Trainer.path(p, penalties, penalties.map(_ => None), curved = false, tight, new Monitor)

  /** Mean loss's gradient by the coefficients, of one output, written out. */
  private def gradient(
      w: Array[Double],
      labels: Array[Double],
      loss: (Double, Double) => Double
  ) = {
    val out = new Array[Double](features + 1)
    for (r <- 0 until rows) {
      val margin = (0 until features).map(f => w(f) * x(r)(f)).sum + w(features)
      val slope = loss(labels(r), margin) / rows
      for (f <- 0 until features) out(f) += slope * x(r)(f)
      out(features) += slope
    }
    out
  }

  for (intercept <- Seq(true, false); standardize <- Seq(false, true))
    test(s"a ridge: the gradient vanishes, intercept $intercept, standardize $standardize") {
      val p = problem(LogisticLoss, two, intercept, standardize)
      val w = fit(p, Penalty(0.1, 0)).head.coefficients
      val g = gradient(w, two, LogisticLoss.slope)
      for (f <- 0 until features) {
        val mean = x.map(_(f)).sum / rows
        val variance = x.map(r => Math.pow(r(f) - mean, 2)).sum / rows
        val ridge = 0.1 * w(f) * (if (standardize) variance else 1)
        assert(Math.abs(g(f) + ridge) < 1e-8 * (1 + Math.sqrt(variance)), f)
      }
      if (intercept) assert(Math.abs(g(features)) < 1e-9) else assert(w(features) == 0)
    }

  test("a lasso: each coefficient meets its condition, and some are 0") {
    val p = problem(SquaredLoss, targets)
    val found = fit(p, Penalty(0, 0.5)).head
    val w = found.coefficients
    val g = gradient(w, targets, SquaredLoss.slope)
    for (f <- 0 until features)
      if (w(f) == 0) assert(Math.abs(g(f)) <= 0.5 + 1e-9)
      else
        assert(
          Math.abs(g(f) + 0.5 * Math.signum(w(f))) < 1e-6 * Math.pow(10, f - 2.0),
          s"$f: ${found.reason}"
        )
    assert(w.take(features).contains(0.0) && w.take(features).exists(_ != 0))
  }

  test("settings trained together are those trained alone, in as many passes as the longest") {
    val settings = Seq(Penalty(1, 0), Penalty(0.01, 0), Penalty(0, 0.01), Penalty(0.001, 0.1))
    val together = problem(LogisticLoss, two)
    val all = fit(together, settings: _*)
    val alone = settings.map { s =>
      val p = problem(LogisticLoss, two)
      (fit(p, s).head, p.passes)
    }
    for ((a, (b, _)) <- all.zip(alone))
      for ((u, v) <- a.coefficients.zip(b.coefficients))
        assert(Math.abs(u - v) < 1e-6 * (1 + Math.abs(v)))
    assert(together.passes <= 2 * alone.map(_._2).max)
  }

  for (cholesky <- Seq(false, true))
    test(s"Newton's method ends where L-BFGS does, by Cholesky $cholesky") {
      val all = Seq[(Loss, Array[Double])]((LogisticLoss, two), (MultinomialLoss(3), three)) ++
        Seq(SquaredHingeLoss, ModifiedHuberLoss, HuberLoss(1.35)).map((_, two))
      for ((loss, labels) <- all if !cholesky || loss.outputs == 1) {
        val by = Penalty(0.01, 0)
        val a = fit(problem(loss, labels), by).head
        val b = Trainer.newton(problem(loss, labels), by, cholesky, None, tight, new Monitor)
        assert(Math.abs(a.objective - b.objective) < 1e-10)
        for ((u, v) <- a.coefficients.zip(b.coefficients))
          assert(Math.abs(u - v) < 1e-4 * (1 + Math.abs(v)))
      }
    }

  test("how rows are cut into blocks changes nothing but the last bits") {
    def parted(n: Int) = fit(problem(LogisticLoss, two, parts = n), Penalty(0.1, 0)).head
    val (a, b) = (parted(1), parted(7))
    for ((u, v) <- a.coefficients.zip(b.coefficients))
      assert(Math.abs(u - v) < 1e-7 * (1 + Math.abs(v)))
  }

  test("a warm start at the solution is the end") {
    val p = problem(LogisticLoss, two)
    val by = Penalty(0.1, 0)
    val first = fit(p, by).head
    val again =
      Trainer
        .path(
          p,
          Seq(by),
          Seq(Some(first.coefficients)),
          curved = false,
          Stopping(1e-8, 100),
          new Monitor
        )
        .head
    assert(again.iterations == 0)
  }

  for (loss <- Seq(LogisticLoss, SquaredHingeLoss, SquaredLoss); standardize <- Seq(false, true))
    test(
      s"$loss, standardize=$standardize: settings that begin with one Hessian, in fewer passes"
    ) {
      val by = Seq(1.0, 1e-2, 1e-4, 0).map(Penalty(_, 0))
      val apart = problem(loss, two, standardize = standardize)
      val shared = problem(loss, two, standardize = standardize)
      val expected = fit(apart, by: _*)
      val found = Trainer.path(shared, by, by.map(_ => None), curved = true, tight, new Monitor)
      for ((a, b) <- expected.zip(found); (u, v) <- a.coefficients.zip(b.coefficients))
        assert(Math.abs(u - v) < 1e-5 * (1 + Math.abs(u)))
      if (loss == SquaredLoss) assert(shared.passes < apart.passes)
    }

  test("scales of the features do not make the fit long") {
    val p = problem(LogisticLoss, two)
    Trainer.path(p, Seq(Penalty(1e-4, 0)), Seq(None), false, Stopping(1e-6, 1000), new Monitor)
    assert(p.passes < 40, s"${p.passes} passes")
  }
}
