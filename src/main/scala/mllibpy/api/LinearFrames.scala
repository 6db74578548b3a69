package mllibpy.api

import com.fasterxml.jackson.databind.JsonNode
import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{Blocks, Gather, HereBlocks, InvalidInput, SparkBlocks}
import mllibpy.kernel.linear.{DenseExamples, Examples, FloatExamples, Form, SparseExamples}
import org.apache.spark.ml.linalg.{DenseVector, SQLDataTypes, SparseVector, Vector, Vectors}
import org.apache.spark.network.util.JavaUtils
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.functions.{array, col, lit, udf}
import org.apache.spark.sql.types.{
  ArrayType,
  DataType,
  DoubleType,
  FloatType,
  NumericType,
  StringType
}
import org.apache.spark.sql.{Column, DataFrame, Row}

import scala.collection.mutable
import scala.jdk.CollectionConverters._

/** Data sets from Spark DataFrames whose features are a column of vectors (or of arrays of
  * numbers), or columns of numbers; and scores of such rows.
  *
  * Crossings: none; rows become blocks where they are.
  */
object LinearFrames {

  def read(df: DataFrame, meta: JsonNode): LinearData = {
    val columns = texts(meta, "columns")
    val label = Option(meta.get("label")).filterNot(_.isNull).map(_.asText)
    val weight = Option(meta.get("weight")).filterNot(_.isNull).map(_.asText)
    val classes = texts(meta, "classes")
    // Rows that are there for no target's sake have zeros.
    val number = label.map(labelNumber(df, _, classes)).getOrElse(lit(0.0))
    val weighing = weight.map(quoted(_).cast(DoubleType)).getOrElse(lit(1.0))
    val rows = df.select(number, weighing, vector(df, columns)).rdd
    val first = rows.take(1).headOption
    InvalidInput.unless(first.nonEmpty, "the DataFrame has no rows to fit; give at least one")
    InvalidInput.unless(
      !first.get.isNullAt(2),
      s"${where(columns)} is null in the first row; drop or fill such rows"
    )
    val sample = first.get.getAs[Vector](2)
    val sparse = sample.isInstanceOf[SparseVector] && sample.numActives < Sparse * sample.size
    val form = if (sparse) Form.Sparse else if (single(df, columns)) Form.Floats else Form.Doubles
    val into =
      Into(columns.toArray, label.getOrElse("label"), weight, sample.size, classes.nonEmpty, form)
    val most = driverBytes(df)
    val blocks =
      try placed(examples(rows, into).persist(SparkBlocks.Kept), most)
      catch { case e: Throwable => refuseNonFinite(rows, into); throw e }
    new LinearData(blocks, sample.size, classes.length, form)
  }

  /** Spark's setting of the bytes that are not worth a job. */
  final val DriverBytes = "spark.mllib_py.driverBytes"
  private final val Small = 1L << 20

  private def driverBytes(df: DataFrame): Long = {
    val size = df.sparkSession.conf.get(DriverBytes, Small.toString)
    try JavaUtils.byteStringAsBytes(size)
    catch {
      case _: NumberFormatException =>
        throw new InvalidInput(s"$DriverBytes must be a size, 1m or 0 say, not '$size'")
    }
  }

  /** Lays the blocks out, so that what is wrong with them is known now. Those of so few bytes that
    * a job costs more than their sum come to the driver.
    */
  private def placed(blocks: RDD[Examples], most: Long): Blocks[Examples] =
    try
      if (blocks.map(_.bytes).fold(0L)(_ + _) > most) new SparkBlocks(blocks, () => ())
      else {
        val here = new HereBlocks(Gather(blocks).toSeq)
        blocks.unpersist(blocking = false)
        here
      }
    catch { case e: Throwable => blocks.unpersist(blocking = false); throw e }

  /** Says how many values of the first column that has some are no numbers. Behind the features'
    * counts stand the label's and the weight's.
    */
  private def refuseNonFinite(rows: RDD[Row], into: Into): Unit = {
    val bad = rows.mapPartitions { it =>
      val counts = new Array[Long](into.features + 2)
      var n = 0L
      for (row <- it) {
        n += 1
        for (i <- 0 to 1 if !finite(row, i)) counts(into.features + i) += 1
        row.getAs[Vector](2) match {
          case v if v != null && v.size == into.features =>
            v.foreachActive((f, x) => if (!java.lang.Double.isFinite(x)) counts(f) += 1)
          case _ => ()
        }
      }
      Iterator.single((n, counts))
    }
    val (n, counts) = bad.reduce { case ((n, a), (m, b)) =>
      (n + m, a.zip(b).map { case (x, y) => x + y })
    }
    val first = counts.indexWhere(_ > 0)
    InvalidInput.unless(
      first < 0,
      s"${named(into, first)} has null, NaN or infinite values in ${counts(first)} of $n rows;" +
        " drop or fill such rows"
    )
  }

  // The share of entries below which rows are kept as entries.
  private final val Sparse = 0.3
  private final val BlockRows = 8192
  private final val BlockNumbers = 1 << 20

  private final case class Into(
      columns: Array[String],
      label: String,
      weight: Option[String],
      features: Int,
      classified: Boolean,
      form: Form
  )

  private[api] def texts(m: JsonNode, key: String): Seq[String] =
    m.get(key).elements.asScala.map(_.asText).toSeq

  private def quoted(name: String): Column = col("`" + name.replace("`", "``") + "`")
  private def where(columns: Seq[String]): String =
    if (columns.length == 1) s"column '${columns.head}'" else "a feature column"

  private def typeOf(df: DataFrame, name: String): DataType = {
    InvalidInput.unless(
      df.columns.contains(name),
      s"the DataFrame has no column '$name'; it has ${df.columns.mkString(", ")}"
    )
    df.schema(name).dataType
  }

  /** Whether the features are float32 numbers; Spark's vectors are float64. */
  private def single(df: DataFrame, columns: Seq[String]): Boolean =
    columns.map(typeOf(df, _)).forall {
      case ArrayType(of, _) => of == FloatType
      case of               => of == FloatType
    }

  /** Features as one vector. */
  private[api] def vector(df: DataFrame, columns: Seq[String]): Column = {
    def typed(c: String) = typeOf(df, c)
    columns match {
      case Seq(one) if typed(one) == SQLDataTypes.VectorType => quoted(one)
      case Seq(one) if typed(one).isInstanceOf[ArrayType]    =>
        ofArray(quoted(one).cast(ArrayType(DoubleType)))
      case several =>
        for (c <- several)
          InvalidInput.unlessType(
            typed(c).isInstanceOf[NumericType],
            s"column '$c' must hold numbers or vectors, not ${typed(c).simpleString}"
          )
        ofArray(array(several.map(quoted(_).cast(DoubleType)): _*))
    }
  }

  private val ofArray = udf((xs: mutable.Seq[java.lang.Double]) =>
    if (xs == null) null
    else Vectors.dense(xs.map(x => if (x == null) Double.NaN else x.doubleValue).toArray)
  )

  /** Targets as they are, classes by their place in the list. */
  private def labelNumber(df: DataFrame, label: String, classes: Seq[String]): Column = {
    val kind = typeOf(df, label)
    if (classes.isEmpty) {
      InvalidInput.unlessType(
        kind.isInstanceOf[NumericType],
        s"column '$label' must hold numbers, not ${kind.simpleString}"
      )
      quoted(label).cast(DoubleType)
    } else {
      val place = classes.zipWithIndex.toMap
      udf((c: String) => place.getOrElse(c, -1).toDouble).apply(quoted(label).cast(StringType))
    }
  }

  /** Rows as a block of features alone, as `read` lays them out. */
  private[api] def features(
      rows: Seq[Vector],
      columns: Seq[String],
      features: Int,
      form: Form
  ): Examples = {
    val into = Into(columns.toArray, null, None, features, classified = false, form)
    block(rows.map(v => Row(0.0, 1.0, v)), into)
  }

  private def examples(rows: RDD[Row], into: Into): RDD[Examples] =
    rows.mapPartitions { it =>
      val perBlock =
        if (into.form == Form.Sparse) BlockRows
        else Math.max(1, Math.min(BlockRows, BlockNumbers / Math.max(1, into.features)))
      it.grouped(perBlock).map(block(_, into))
    }

  private def block(rows: Seq[Row], into: Into): Examples = {
    val labels = new Array[Double](rows.length)
    val weights = if (into.weight.isEmpty) null else new Array[Double](rows.length)
    val vectors = rows.zipWithIndex.map { case (row, r) =>
      labels(r) = number(row, 0, into.label)
      if (into.classified)
        InvalidInput.unless(
          labels(r) >= 0,
          s"column '${into.label}' has changed since its classes were counted; cache the DataFrame"
        )
      if (weights != null) {
        weights(r) = number(row, 1, into.weight.get)
        InvalidInput.unless(
          weights(r) >= 0,
          s"column '${into.weight.get}' has the weight ${weights(r)}; weights must be at least 0"
        )
      }
      checked(row, into)
    }
    into.form match {
      case Form.Sparse  => sparse(vectors, labels, weights, into.features)
      case Form.Floats  => singles(vectors, labels, weights, into.features)
      case Form.Doubles => dense(vectors, labels, weights, into.features)
    }
  }

  private def finite(row: Row, at: Int): Boolean =
    !row.isNullAt(at) && java.lang.Double.isFinite(row.getDouble(at))

  private def number(row: Row, at: Int, name: String): Double = {
    InvalidInput.unless(
      finite(row, at),
      s"column '$name' has a null, NaN or infinite value; drop or fill such rows"
    )
    row.getDouble(at)
  }

  private def checked(row: Row, into: Into): Vector = {
    InvalidInput.unless(
      !row.isNullAt(2),
      s"${where(into.columns.toSeq)} has a null; drop or fill such rows"
    )
    val v = row.getAs[Vector](2)
    InvalidInput.unless(
      v.size == into.features,
      s"${where(into.columns.toSeq)} has vectors of ${into.features} and of ${v.size} numbers"
    )
    v.foreachActive { (f, x) =>
      InvalidInput.unless(
        java.lang.Double.isFinite(x),
        s"${named(into, f)} has a null, NaN or infinite value; drop or fill such rows"
      )
    }
    v
  }

  private def named(into: Into, f: Int): String =
    if (f == into.features) s"column '${into.label}'"
    else if (f > into.features) s"column '${into.weight.getOrElse("")}'"
    else named(into.columns.toSeq, into.features, f)

  private def named(columns: Seq[String], features: Int, f: Int): String =
    if (columns.length == features) s"column '${columns(f)}'"
    else s"column '${columns.head}', feature $f,"

  private def dense(
      vectors: Seq[Vector],
      labels: Array[Double],
      weights: Array[Double],
      features: Int
  ): Examples = {
    val stride = Form.Doubles.stride(features)
    val values = new Array[Double](vectors.length * stride)
    for ((v, r) <- vectors.zipWithIndex) v.foreachActive((f, x) => values(r * stride + f) = x)
    new DenseExamples(features, values, labels, weights)
  }

  private def singles(
      vectors: Seq[Vector],
      labels: Array[Double],
      weights: Array[Double],
      features: Int
  ): Examples = {
    val stride = Form.Floats.stride(features)
    val values = new Array[Float](vectors.length * stride)
    for ((v, r) <- vectors.zipWithIndex)
      v.foreachActive((f, x) => values(r * stride + f) = x.toFloat)
    new FloatExamples(features, values, labels, weights)
  }

  private def sparse(
      vectors: Seq[Vector],
      labels: Array[Double],
      weights: Array[Double],
      features: Int
  ): Examples = {
    val start = vectors.scanLeft(0)(_ + _.numNonzeros).toArray
    val columns = new Array[Int](start.last)
    val values = new Array[Double](start.last)
    for ((v, r) <- vectors.zipWithIndex) {
      var e = start(r)
      v.foreachActive { (f, x) =>
        if (x != 0) {
          columns(e) = f
          values(e) = x
          e += 1
        }
      }
    }
    new SparseExamples(features, start, columns, values, labels, weights)
  }

  /** Adds a column of arrays: for each output its margin. */
  def scores(
      df: DataFrame,
      columns: Seq[String],
      out: String,
      w: Array[Double],
      outputs: Int
  ): DataFrame = {
    val features = w.length / outputs - 1
    val known = df.sparkSession.sparkContext.broadcast(w)
    val score = udf { (v: Vector) =>
      InvalidInput.unless(v != null, "a row's features are null; drop or fill such rows")
      InvalidInput.unless(
        v.size == features,
        s"a row has ${v.size} features, and the model was fitted to $features"
      )
      val found = Array.tabulate(outputs)(o => margin(v, known.value, o * (features + 1), features))
      if (!found.forall(java.lang.Double.isFinite)) refuseNonFinite(v, columns)
      found
    }
    df.withColumn(out, score(vector(df, columns)))
  }

  private def refuseNonFinite(v: Vector, columns: Seq[String]): Unit =
    v.foreachActive { (f, x) =>
      InvalidInput.unless(
        java.lang.Double.isFinite(x),
        s"${named(columns, v.size, f)} has a null, NaN or infinite value; drop or fill such rows"
      )
    }

  private def margin(v: Vector, w: Array[Double], from: Int, features: Int): Double = {
    var sum = w(from + features)
    v match {
      case d: DenseVector =>
        var f = 0
        while (f < features) { sum += d.values(f) * w(from + f); f += 1 }
      case _ => v.foreachActive((f, x) => sum += x * w(from + f))
    }
    sum
  }
}
