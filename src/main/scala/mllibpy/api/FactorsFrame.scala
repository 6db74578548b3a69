package mllibpy.api

import mllibpy.algorithm.als.FactorTable
import org.apache.spark.sql.types.{
  ArrayType,
  FloatType,
  LongType,
  StringType,
  StructField,
  StructType
}
import org.apache.spark.sql.{DataFrame, Row, SparkSession}

/** Factors as a DataFrame with the columns (id, features), in the order of the ids. */
object FactorsFrame {
  def of(spark: SparkSession, t: FactorTable, idCol: String): DataFrame = {
    val idType = if (t.names == null) LongType else StringType
    val schema = StructType(
      Seq(
        StructField(idCol, idType, nullable = false),
        StructField("features", ArrayType(FloatType, false), nullable = false)
      )
    )
    val sc = spark.sparkContext
    val shared = sc.broadcast(t)
    spark.createDataFrame(sc.range(0, t.size.toLong).map(r => row(shared.value, r.toInt)), schema)
  }

  private def row(t: FactorTable, r: Int): Row = {
    val id: Any = if (t.names == null) mllibpy.kernel.Scramble.unmix(t.keys(r)) else t.names(r)
    Row(id, java.util.Arrays.copyOfRange(t.rows, r * t.rank, (r + 1) * t.rank).toSeq)
  }
}
