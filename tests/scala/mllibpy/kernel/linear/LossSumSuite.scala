package mllibpy.kernel.linear

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Sums over blocks: dense, sparse, in plain loops and by vectors, whole and in parts. */
class LossSumSuite extends AnyFunSuite {
  private val random = new Random(0)

  private final class Data(val rows: Int, val features: Int, weighted: Boolean) {
    val x: Array[Array[Double]] = Array.fill(rows, features)(
      // Numbers that float32 has too.
      if (random.nextInt(3) == 0) 0.0 else random.nextGaussian().toFloat.toDouble
    )
    val labels: Array[Double] = Array.fill(rows)(random.nextInt(2).toDouble)
    val weights: Array[Double] = if (weighted) Array.fill(rows)(random.nextDouble()) else null

    def dense(products: DenseDoubles): Examples = {
      val stride = DenseDoubles.padded(features)
      val values = new Array[Double](rows * stride)
      for (r <- 0 until rows; f <- 0 until features) values(r * stride + f) = x(r)(f)
      new DenseExamples(features, values, labels, weights, products)
    }

    def singles(products: DenseFloats): Examples = {
      val stride = DenseFloats.padded(features)
      val values = new Array[Float](rows * stride)
      for (r <- 0 until rows; f <- 0 until features) values(r * stride + f) = x(r)(f).toFloat
      new FloatExamples(features, values, labels, weights, products)
    }

    def sparse: Examples = {
      val shown = x.map(_.zipWithIndex.filter(_._1 != 0))
      new SparseExamples(
        features,
        shown.scanLeft(0)(_ + _.length),
        shown.flatMap(_.map(_._2)),
        shown.flatMap(_.map(_._1)),
        labels,
        weights
      )
    }
  }

  /** By the definition: value and gradient, features first and then the intercept, by model. */
  private def expected(d: Data, at: Array[Array[Double]]): Seq[(Double, Array[Double])] =
    at.toSeq.map { w =>
      val gradient = new Array[Double](d.features + 1)
      var value = 0.0
      for (r <- 0 until d.rows) {
        val margin = (0 until d.features).map(f => w(f) * d.x(r)(f)).sum + w(d.features)
        val by = if (d.weights == null) 1 else d.weights(r)
        value += by * LogisticLoss.value(d.labels(r), margin)
        val slope = by * LogisticLoss.slope(d.labels(r), margin)
        for (f <- 0 until d.features) gradient(f) += slope * d.x(r)(f)
        gradient(d.features) += slope
      }
      (value, gradient)
    }

  private def close(a: Double, b: Double) = Math.abs(a - b) <= 1e-10 * (1 + Math.abs(b))

  for (
    (rows, features, models) <- Seq((1, 1, 1), (3, 7, 1), (300, 20, 1), (5, 40, 3), (600, 33, 9));
    weighted <- Seq(false, true)
  )
    test(s"$rows rows of $features features, $models models, weighted $weighted") {
      val d = new Data(rows, features, weighted)
      val at = Array.fill(models, features + 1)(random.nextGaussian())
      val right = expected(d, at)
      for (
        block <- Seq(
          d.dense(PlainDoubles),
          d.dense(DenseDoubles.best),
          d.singles(PlainFloats),
          d.singles(DenseFloats.best),
          d.sparse
        )
      ) {
        val shape = Shape(block.stride, models)
        val w = new Array[Double](shape.length)
        for (j <- 0 until models; f <- 0 to features)
          w((if (f == features) block.stride else f) * shape.columns + j) = at(j)(f)
        val sum = new LossSum(LogisticLoss, shape, w).add(block)
        for (((value, gradient), j) <- right.zipWithIndex) {
          assert(close(sum.values(j), value))
          for (f <- 0 to features) {
            val row = if (f == features) block.stride else f
            assert(close(sum.gradient(row * shape.columns + j), gradient(f)))
          }
        }
        val weight = if (weighted) d.weights.sum else rows.toDouble
        assert(close(sum.weight, weight))
      }
    }

  test("parts merge to the whole") {
    val (a, b) = (new Data(20, 5, weighted = true), new Data(30, 5, weighted = true))
    val shape = Shape(5, 1)
    val w = Array.fill(shape.length)(random.nextGaussian())
    def empty = new LossSum(LogisticLoss, shape, w)
    val whole = empty.add(a.sparse).add(b.sparse)
    val merged = empty.add(a.sparse).merge(empty.add(b.sparse))
    assert(close(merged.values(0), whole.values(0)) && close(merged.weight, whole.weight))
    assert(merged.gradient.zip(whole.gradient).forall { case (x, y) => close(x, y) })
  }

  test("the Hessian's product is the difference of gradients") {
    for (loss <- Seq(LogisticLoss, SquaredLoss)) {
      val d = new Data(50, 6, weighted = true)
      val shape = Shape(6, 1)
      val (w, along) =
        (Array.fill(7)(random.nextGaussian()), Array.fill(7)(random.nextGaussian()))
      def gradient(by: Double) = {
        val at = w.zip(along).map { case (x, v) => x + by * v }
        new LossSum(loss, shape, at).add(d.sparse).gradient
      }
      val found = new HessianSum(loss, shape, w, along).add(d.sparse).product
      for ((h, (up, down)) <- found.zip(gradient(1e-5).zip(gradient(-1e-5))))
        assert(Math.abs(h - (up - down) / 2e-5) < 1e-6 * (1 + Math.abs(h)))
    }
  }

  for (
    (rows, features) <- Seq((1, 1), (40, 15), (300, 16), (600, 33));
    weighted <- Seq(false, true);
    intercept <- Seq(false, true)
  )
    test(s"Newton's sums: $rows rows of $features, weighted $weighted, intercept $intercept") {
      val d = new Data(rows, features, weighted)
      val w = Array.fill(features + 1)(random.nextGaussian() / 3)
      if (!intercept) w(features) = 0
      val centres = Array.fill(features)(if (intercept) random.nextGaussian() else 0)
      val scales = Array.tabulate(features)(f => if (f == 3) 0 else 0.5 + random.nextDouble())
      // By the definition.
      val right = new Array[Double]((features + 1) * (features + 1))
      for (r <- 0 until rows) {
        val z = Array.tabulate(features)(f => (d.x(r)(f) - centres(f)) * scales(f)) :+
          (if (intercept) 1.0 else 0.0)
        val margin = (0 until features).map(f => w(f) * d.x(r)(f)).sum + w(features)
        val by = LogisticLoss.curvature(0, margin) * (if (weighted) d.weights(r) else 1)
        for (f <- z.indices; g <- z.indices) right(f * (features + 1) + g) += by * z(f) * z(g)
      }
      for (block <- Seq(d.dense(DenseDoubles.best), d.singles(DenseFloats.best), d.sparse)) {
        val plan = HessianPlan(block.stride, centres, scales, intercept)
        val at = new Array[Double](block.stride + 1)
        System.arraycopy(w, 0, at, 0, features)
        at(block.stride) = w(features)
        val sum = new NewtonSum(LogisticLoss, plan, at).add(block)
        assert(sum.hessian(plan).zip(right).forall { case (a, b) => close(a, b) })
        val twice = sum.merge(new NewtonSum(LogisticLoss, plan, at).add(block))
        assert(twice.hessian(plan).zip(right).forall { case (a, b) => close(a, 2 * b) })
        val first = new LossSum(LogisticLoss, Shape(block.stride, 1), at).add(block)
        assert(close(twice.first.values(0), 2 * first.values(0)))
        assert(twice.first.gradient.zip(first.gradient).forall { case (a, b) => close(a, 2 * b) })
      }
    }

  test("a column of one number has no variance, whatever its rounding") {
    val (rows, by) = (1000, Array.fill(1000)(0.1 + random.nextDouble()))
    val columns = (0 until rows).flatMap(r => Seq(0.1, 1e6 / 3, 0.1 + 1e-9 * (r % 2))).toArray
    val labels = new Array[Double](rows)
    val starts = Array.tabulate(rows + 1)(_ * 3)
    val block = new SparseExamples(3, starts, Array.tabulate(3 * rows)(_ % 3), columns, labels, by)
    val found = new Moments(3, 0).add(block).merge(new Moments(3, 0).add(block))
    assert(found.variance(0) == 0 && found.variance(1) == 0)
    assert(Math.abs(found.variance(2) / 2.5e-19 - 1) < 0.1)
  }

  test("moments are those of all rows, however they are cut") {
    val parts = Seq(new Data(1, 4, true), new Data(17, 4, true), new Data(40, 4, true))
    val moments = parts.map(_.sparse).foldLeft(new Moments(4, 2))(_ add _)
    val rows = parts.flatMap(p => p.x.indices.map(r => (p.x(r), p.weights(r), p.labels(r))))
    val weight = rows.map(_._2).sum
    assert(moments.rows == 58 && close(moments.weight, weight))
    for (f <- 0 until 4) {
      val mean = rows.map { case (x, w, _) => w * x(f) }.sum / weight
      val variance = rows.map { case (x, w, _) => w * (x(f) - mean) * (x(f) - mean) }.sum / weight
      assert(close(moments.means(f), mean) && close(moments.variance(f), variance))
    }
    for (c <- 0 to 1)
      assert(close(moments.classWeights(c), rows.filter(_._3 == c).map(_._2).sum))
  }

  test("mini-batches of blocks of as many rows draw others, of one block the same") {
    def block = {
      val of = new Data(30, 3, weighted = false)
      // Which rows are drawn shows in the bits of their weight.
      of.dense(DenseDoubles.best).weighing(Array.tabulate(30)(r => Math.pow(2, r.toDouble)))
    }
    val shape = Shape(block.stride, 1)
    def drawn(of: Examples) =
      new MiniBatchSum(LogisticLoss, shape, 0.5, new Array(shape.length), 7).add(of).drawn.weight
    val (one, other) = (block, block)
    assert(drawn(one) == drawn(one))
    assert(drawn(one) != drawn(other))
  }
}
