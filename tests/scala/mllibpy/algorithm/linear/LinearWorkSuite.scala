package mllibpy.algorithm.linear

import mllibpy.algorithm.als.SparkWork
import mllibpy.engine.{HereBlocks, InvalidInput, LocalSession, Monitor, Shared, SparkBlocks}
import mllibpy.kernel.linear.{
  DenseDoubles,
  DenseExamples,
  Examples,
  Form,
  HingeLoss,
  LogisticLoss,
  Loss,
  MarginLoss,
  SgdPlan,
  SquaredLoss,
  StepSize
}
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** What fits cost in Spark: a pass is a job, whatever it sums and over however many partitions; and
  * partitions do not change what is found.
  */
class LinearWorkSuite extends AnyFunSuite with LocalSession {
  private val features = 6
  private val stride = DenseDoubles.padded(features)
  private val random = new Random(5)
  private val rows = Array.fill(600, features)(random.nextGaussian())
  private val labels = rows.map(r => if (r(0) - r(1) + random.nextGaussian() > 0) 1.0 else 0.0)

  private val blocks: Seq[Examples] = rows.indices.grouped(5).toSeq.map { of =>
    val values = new Array[Double](of.length * stride)
    for ((r, i) <- of.zipWithIndex) System.arraycopy(rows(r), 0, values, i * stride, features)
    new DenseExamples(features, values, of.map(labels(_)).toArray, null)
  }

  private def there(partitions: Int) =
    new LinearData(
      new SparkBlocks(sc.parallelize(blocks, partitions), () => ()),
      features,
      2,
      Form.Doubles
    )
  private def here = new LinearData(new HereBlocks(blocks, 2), features, 2, Form.Doubles)

  private def params(loss: Loss, solver: String, l1: Double = 0) =
    LinearParams(loss, Seq(Penalty(0.01, l1)), None, true, false, solver, 1e-8, 200)

  private def fit(data: LinearData, p: LinearParams) = LinearFit(data, p, new Monitor)

  for (
    (name, p) <- Seq(
      "L-BFGS" -> params(LogisticLoss, "lbfgs"),
      "OWL-QN" -> params(LogisticLoss, "auto", l1 = 0.01),
      "Newton-CG" -> params(LogisticLoss, "newton-cg"),
      "Newton by Cholesky" -> params(LogisticLoss, "newton-cholesky"),
      "the hinge" -> params(HingeLoss, "lbfgs").copy(tolerance = 1e-2),
      "local SGD" -> params(LogisticLoss, "local-sgd"),
      "least squares" -> params(SquaredLoss, "auto")
    )
  )
    test(s"$name: a job for each pass and one for the moments; partitions do not matter") {
      val local = fit(here, p)
      for (partitions <- Seq(2, 16, 64)) {
        var found = local
        val work = SparkWork.of(sc) { found = fit(there(partitions), p) }
        assert(work == SparkWork(found.passes + 1, 0))
        for ((u, v) <- found.models.head.coefficients.zip(local.models.head.coefficients))
          assert(Math.abs(u - v) < 1e-4)
        assert(found.bytes > 0)
      }
      assert(SparkWork.of(sc)(fit(here, p)) == SparkWork(0, 0))
    }

  test("CoCoA: a job for each round, and one to cut every twentieth's lineage; the gap holds") {
    val p = params(LogisticLoss, "cocoa").copy(tolerance = 1e-6)
    val exact = fit(here, params(LogisticLoss, "newton-cg")).models.head.objective
    for (partitions <- Seq(2, 16)) {
      var found = fit(here, p)
      val held = (Shared.held, sc.getPersistentRDDs.size)
      val work = SparkWork.of(sc) { found = fit(there(partitions), p) }
      assert(work.jobs == found.passes + 1 + found.passes / 20)
      val model = found.models.head
      assert(model.objective - exact <= model.gap.get + 1e-12)
      assert(model.gap.get <= 1e-6 * model.objective)
      assert((Shared.held, sc.getPersistentRDDs.size) == held)
    }
  }

  test("mini-batches: a job for each step, and one to tell the objective of all rows") {
    val p = params(HingeLoss, "mini-batch").copy(
      maxIter = 7,
      miniBatch = MiniBatchPlan(0.5, 0.5, 3)
    )
    var found: Trained = null
    val work = SparkWork.of(sc) { found = fit(there(4), p).models.head }
    assert(work == SparkWork(8, 0))
    val at = found.coefficients
    val losses = rows.indices.map { r =>
      val margin = rows(r).indices.map(f => rows(r)(f) * at(f)).sum + at(features)
      Math.max(0, 1 - (2 * labels(r) - 1) * margin)
    }
    val penalty = 0.01 / 2 * at.init.map(x => x * x).sum
    assert(Math.abs(found.objective - losses.sum / rows.length - penalty) < 1e-12)
    assert(found.gradient > 0)
  }

  test("settings share their jobs") {
    val many = params(LogisticLoss, "lbfgs")
      .copy(penalties = (1 to 20).map(i => Penalty(Math.pow(10, -i / 5.0), 0)))
    var (alone, together) = (0, 0)
    SparkWork.of(sc) {
      alone = fit(there(4), many.copy(penalties = Seq(many.penalties.last))).passes
    }
    val work = SparkWork.of(sc) { together = fit(there(4), many).passes }
    assert(work.jobs == together + 1 && together < alone)
  }

  test("settings of the hinge share the passes of its stages") {
    val many = params(HingeLoss, "lbfgs")
      .copy(penalties = (0 to 19).map(i => Penalty(Math.pow(10, -i / 10.0), 0)), tolerance = 1e-3)
    val alone = many.penalties.map(p => fit(here, many.copy(penalties = Seq(p))))
    val together = fit(here, many)
    for ((one, shared) <- alone.map(_.models.head).zip(together.models)) {
      assert(shared.gap.get <= 1e-3 * shared.objective)
      assert(Math.abs(shared.objective - one.objective) <= 1e-3 * one.objective)
    }
    // Each setting's certificate is a pass of its own, ten stages of them at most.
    assert(together.passes <= alone.map(_.passes).max + 20 * 10)
    assert(together.passes < alone.map(_.passes).sum / 2)
  }

  private def sgd(loss: MarginLoss, epochs: Int, tol: Option[Double]) = SgdParams(
    SgdPlan(loss, features, 1, 0.01, 0, true, true, StepSize("invscaling", 0.1, 0.01, 0.25, 0)),
    new Array(features + 1),
    0,
    epochs,
    tol,
    5,
    average = false,
    7
  )

  test("stochastic gradient descent: a job for each epoch, near the minimum in each partitioning") {
    val exact = fit(here, params(LogisticLoss, "newton-cg")).models.head.coefficients
    for (partitions <- Seq(1, 8)) {
      var found: SgdFit = null
      val work = SparkWork.of(sc) {
        found = Sgd(there(partitions), sgd(LogisticLoss, 40, None), new Monitor)
      }
      assert(work == SparkWork(40, 0) && found.losses.length == 40)
      for ((u, v) <- found.coefficients.zip(exact)) assert(Math.abs(u - v) < 0.2)
    }
  }

  test("what the solvers do not take is refused before any pass") {
    val work = SparkWork.of(sc) {
      for (
        bad <- Seq(
          params(LogisticLoss, "newton-cg", l1 = 1),
          params(LogisticLoss, "direct"),
          params(LogisticLoss, "adam")
        )
      ) intercept[InvalidInput](fit(there(2), bad))
    }
    assert(work.jobs == 0)
  }
}
