package mllibpy.api

import com.fasterxml.jackson.databind.JsonNode
import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{Blocks, DriverBlocks, HereBlocks, SparkBlocks}
import mllibpy.kernel.linear.{DenseExamples, Examples, FloatExamples, Form, SparseExamples}
import org.apache.spark.SparkContext

import scala.reflect.ClassTag
import scala.util.Using

/** A data set from arrays in a file: the features by row, or starts, columns and values of the
  * entries; then targets, and weights where there are any. Blocks of it stay on the driver.
  */
object LinearArrays {
  // Bytes of a block at most, and of a data set that the driver sums faster than a cluster does.
  private final val BlockBytes = 8L << 20
  private final val Small = 1L << 20

  def fromFile(sc: SparkContext, path: String, meta: JsonNode): LinearData = {
    val shape = Shape.of(meta)
    val at =
      if (sc.isLocal && shape.bytes > heap / 2) spilling(sc, path, shape)
      else {
        val rows = rowsOfBlocks(shape, sc.defaultParallelism, BlockBytes)
        placed(sc, Using.resource(new ArrayReader(path))(in => rows.map(block(in, shape, _))))
      }
    new LinearData(at, shape.features, shape.classes, shape.form, numbered = true)
  }

  private def heap: Long = Runtime.getRuntime.maxMemory

  private def block(in: ArrayReader, shape: Shape, rows: (Long, Int)): Examples = {
    val (from, n) = rows
    if (shape.sparse) sparse(in, shape, from, n) else dense(in, shape, from, n)
  }

  /** What the heap does not hold rests in Spark's storage, on disk in part. The file is read once,
    * now.
    */
  private def spilling(sc: SparkContext, path: String, shape: Shape): Blocks[Examples] = {
    val rows = rowsOfBlocks(shape, sc.defaultParallelism, Math.max(BlockBytes, heap / 32))
    val blocks = sc
      .parallelize(rows, rows.length)
      .map(r => Using.resource(new ArrayReader(path))(block(_, shape, r)))
      .persist(SparkBlocks.Kept)
    blocks.foreachPartition(_.foreach(_ => ()))
    new SparkBlocks(blocks, () => ())
  }

  private final case class Shape(
      rows: Long,
      features: Int,
      classes: Int,
      entries: Long,
      sparse: Boolean,
      single: Boolean,
      weighted: Boolean
  ) {
    def width: Int = if (single) 4 else 8
    def bytes: Long = if (sparse) 12 * entries else width * rows * features
    def form: Form = if (sparse) Form.Sparse else if (single) Form.Floats else Form.Doubles
    private val starts: Long = if (sparse) 8 * (rows + 1) else 0
    // Where the columns, the values, the targets and the weights begin.
    def columns: Long = starts
    def values: Long = starts + (if (sparse) 4 * entries else 0)
    def targets: Long = values + width * (if (sparse) entries else rows * features)
    def weights: Long = targets + 8 * rows
  }

  private object Shape {
    def of(m: JsonNode): Shape = Shape(
      m.get("rows").asLong,
      m.get("features").asInt,
      m.get("classes").asInt,
      m.path("entries").asLong(0),
      m.get("sparse").asBoolean,
      m.get("single").asBoolean,
      m.get("weighted").asBoolean
    )
  }

  /** First row and number of rows: several blocks to a core, none too large. */
  private def rowsOfBlocks(s: Shape, cores: Int, bytes: Long): Seq[(Long, Int)] = {
    val wanted = Math.max(s.bytes / bytes + 1, if (s.bytes > Small) 2L * cores else 1L)
    val n = Math.min(s.rows, wanted)
    (0L until n).map { b =>
      val from = b * s.rows / n
      (from, ((b + 1) * s.rows / n - from).toInt)
    }
  }

  private def placed(sc: SparkContext, blocks: Seq[Examples]): Blocks[Examples] = {
    val bytes = blocks.map(_.bytes).sum
    if (sc.isLocal || bytes <= Small)
      new HereBlocks(blocks, if (bytes <= Small) 1 else sc.defaultParallelism)
    else {
      val held = new DriverBlocks(sc, blocks)
      new SparkBlocks(held.rdd, () => held.release())
    }
  }

  private def dense(in: ArrayReader, s: Shape, from: Long, n: Int): Examples = {
    val stride = s.form.stride(s.features)
    in.seek(from * s.features * s.width)
    def rows[T: ClassTag](packed: Array[T]) = padded(packed, n, s.features, stride)
    if (s.single) {
      val values = rows(in.floats(n * s.features))
      new FloatExamples(s.features, values, targets(in, s, from, n), weights(in, s, from, n))
    } else {
      val values = rows(in.doubles(n * s.features))
      new DenseExamples(s.features, values, targets(in, s, from, n), weights(in, s, from, n))
    }
  }

  private def padded[T: ClassTag](packed: Array[T], n: Int, features: Int, stride: Int) =
    if (stride == features) packed
    else {
      val out = new Array[T](n * stride)
      for (r <- 0 until n) System.arraycopy(packed, r * features, out, r * stride, features)
      out
    }

  private def sparse(in: ArrayReader, s: Shape, from: Long, n: Int): Examples = {
    in.seek(8 * from)
    val starts = in.longs(n + 1)
    val entries = Math.toIntExact(starts(n) - starts(0))
    in.seek(s.columns + 4 * starts(0))
    val columns = in.ints(entries)
    in.seek(s.values + s.width * starts(0))
    val values = numbers(in, s, entries)
    val own = starts.map(x => (x - starts(0)).toInt)
    new SparseExamples(
      s.features,
      own,
      columns,
      values,
      targets(in, s, from, n),
      weights(in, s, from, n)
    )
  }

  private def numbers(in: ArrayReader, s: Shape, n: Int): Array[Double] =
    if (s.single) in.floats(n).map(_.toDouble) else in.doubles(n)

  private def targets(in: ArrayReader, s: Shape, from: Long, n: Int): Array[Double] = {
    in.seek(s.targets + 8 * from)
    in.doubles(n)
  }

  private def weights(in: ArrayReader, s: Shape, from: Long, n: Int): Array[Double] =
    if (!s.weighted) null
    else {
      in.seek(s.weights + 8 * from)
      in.doubles(n)
    }
}
