package mllibpy.api

import mllibpy.engine.Lasting
import mllibpy.kernel.decomposition.LeftMap
import mllibpy.kernel.linear.Form
import org.apache.spark.ml.linalg.Vector
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.types.{ArrayType, DoubleType, StructField}
import org.apache.spark.sql.{DataFrame, Row}

/** Left singular vectors beside the rows of a DataFrame, made where the rows are.
  *
  * Crossings: the map, once to each executor.
  */
private[api] object LeftFrames {
  // Rows that are multiplied together.
  private final val Batch = 1024

  def of(df: DataFrame, columns: Seq[String], map: LeftMap, form: Form, out: String): DataFrame = {
    val own = df.columns.length
    val vector = LinearFrames.vector(df, columns).as(s"mllib_py_$out")
    val rows = df.select(df.columns.map(c => df.col(quoted(c))).toSeq :+ vector: _*).rdd
    val shared = Lasting(df.sparkSession.sparkContext, map)
    val schema = df.schema.add(StructField(out, ArrayType(DoubleType, containsNull = false)))
    df.sparkSession.createDataFrame(left(rows, shared, columns, own, form), schema)
  }

  private def quoted(name: String): String = "`" + name.replace("`", "``") + "`"

  // In a method of its own, so that a task's closure holds just these arguments.
  private def left(
      rows: RDD[Row],
      map: Lasting[LeftMap],
      columns: Seq[String],
      own: Int,
      form: Form
  ): RDD[Row] = rows.mapPartitions { it =>
    val of = map.value
    it.grouped(Batch).flatMap { batch =>
      val vectors = batch.map(_.getAs[Vector](own))
      val u = LeftMap.rows(LinearFrames.features(vectors, columns, of.v.rows, form), of)
      val k = of.columns
      batch.iterator.zipWithIndex.map { case (row, r) =>
        Row.fromSeq(row.toSeq.take(own) :+ u.slice(r * k, (r + 1) * k).toSeq)
      }
    }
  }
}
