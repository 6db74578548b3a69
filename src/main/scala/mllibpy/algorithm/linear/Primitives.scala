package mllibpy.algorithm.linear

import mllibpy.engine.{InvalidInput, Monitor, SparkBlocks}
import mllibpy.kernel.linear.{DenseExamples, Examples, Form, Loss, LossSum, Shape}
import org.apache.spark.rdd.RDD

/** What new algorithms on linear functions are made of. Each but `minimize` is one pass, and in
  * Spark one job.
  *
  * Coefficients stand by output (one, or one for each class), each with its intercept behind.
  */
object Primitives {
  private final val BlockNumbers = 1 << 20

  /** Rows of features, and their targets (classes by their numbers), at rest in blocks. */
  def data(rows: RDD[(Array[Double], Double)], classes: Int = 0): LinearData = {
    InvalidInput.unless(!rows.isEmpty(), "there are no rows; give at least one")
    val features = rows.first()._1.length
    val blocks = laid(rows, features).persist(SparkBlocks.Kept)
    new LinearData(new SparkBlocks(blocks, () => ()), features, classes, Form.Doubles)
  }

  // In a method of its own, so that the tasks' closure holds just these arguments.
  private def laid(rows: RDD[(Array[Double], Double)], features: Int): RDD[Examples] =
    rows.mapPartitions(
      _.grouped(Math.max(1, BlockNumbers / Math.max(1, features))).map(block(_, features))
    )

  private def block(rows: Seq[(Array[Double], Double)], features: Int): Examples = {
    val stride = Form.Doubles.stride(features)
    val values = new Array[Double](rows.length * stride)
    for (((x, _), r) <- rows.zipWithIndex) {
      InvalidInput.unless(
        x.length == features,
        s"rows have $features and ${x.length} features; give all of them as many"
      )
      System.arraycopy(x, 0, values, r * stride, features)
    }
    new DenseExamples(features, values, rows.map(_._2).toArray, null)
  }

  /** The weighted mean of the loss, and its gradient. */
  def gradient(data: LinearData, loss: Loss, w: Array[Double]): (Double, Array[Double]) = {
    val sum = summed(data, loss, w)
    (sum.values(0) / sum.weight, unpacked(data, loss, sum.gradient, sum.weight))
  }

  /** The Hessian of that mean, times a direction. */
  def hessianVector(
      data: LinearData,
      loss: Loss,
      w: Array[Double],
      direction: Array[Double]
  ): Array[Double] = {
    val (at, along) = (packed(data, loss, w), packed(data, loss, direction))
    val sum = Problem.hessianSum(
      data.blocks,
      data.blocks.share(at),
      data.blocks.share(along),
      loss,
      Shape(data.stride, loss.outputs)
    )
    unpacked(data, loss, sum.product, data.moments.weight)
  }

  /** Minimises the mean of the loss plus a penalty of all but the intercepts.
    *
    * @param method
    *   one of [[LinearFit.Solvers]]
    */
  def minimize(
      data: LinearData,
      loss: Loss,
      penalty: Penalty,
      method: String = "auto",
      tolerance: Double = 1e-6,
      maxIter: Int = 1000
  ): Trained = {
    val p = LinearParams(
      loss,
      Seq(penalty),
      start = None,
      intercept = true,
      standardize = false,
      method,
      tolerance,
      maxIter
    )
    LinearFit(data, p, new Monitor).models.head
  }

  private[linear] def summed(data: LinearData, loss: Loss, w: Array[Double]): LossSum =
    Problem.lossSum(
      data.blocks,
      data.blocks.share(packed(data, loss, w)),
      loss,
      Shape(data.stride, loss.outputs)
    )

  /** Where the kernels have a coefficient. */
  private def place(data: LinearData, shape: Shape, output: Int, f: Int): Int =
    (if (f == data.features) shape.features else f) * shape.columns + output

  private def packed(data: LinearData, loss: Loss, w: Array[Double]): Array[Double] = {
    val (n, shape) = (data.features + 1, Shape(data.stride, loss.outputs))
    InvalidInput.unless(
      w.length == loss.outputs * n,
      s"coefficients must be ${loss.outputs} times $n numbers, with intercepts, not ${w.length}"
    )
    val out = new Array[Double](shape.length)
    for (o <- 0 until loss.outputs; f <- 0 until n) out(place(data, shape, o, f)) = w(o * n + f)
    out
  }

  private[linear] def unpacked(
      data: LinearData,
      loss: Loss,
      sums: Array[Double],
      by: Double
  ): Array[Double] = {
    val (n, shape) = (data.features + 1, Shape(data.stride, loss.outputs))
    Array.tabulate(loss.outputs * n)(i => sums(place(data, shape, i / n, i % n)) / by)
  }
}
