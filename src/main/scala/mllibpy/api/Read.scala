package mllibpy.api

import mllibpy.algorithm.als.{AlsModel, Ratings}
import mllibpy.engine.InvalidInput
import org.apache.spark.sql.{DataFrame, SparkSession}

/** Ratings and models from any file system that Hadoop knows: the way in from Scala and Java. */
object Read {

  /** Ratings from a file, a folder or a glob of lines (CSV, tabs, MovieLens's `::`, plain or
    * compressed) or of Parquet. Lazy, but for a look at the first lines.
    */
  def ratings(spark: SparkSession, uri: String): Ratings =
    ratings(spark, uri, "user", "item", "rating")

  /** The same, with the names of the columns. */
  def ratings(
      spark: SparkSession,
      uri: String,
      userCol: String,
      itemCol: String,
      ratingCol: String
  ): Ratings = ratings(spark, uri, userCol, itemCol, ratingCol, None)

  /** The same, with a column of weights. */
  def ratings(
      spark: SparkSession,
      uri: String,
      userCol: String,
      itemCol: String,
      ratingCol: String,
      weightCol: Option[String]
  ): Ratings = {
    val files = filesOf(spark)
    val first = files.first(uri).path
    if (first.endsWith(".parquet") || files.startsWith(first, "PAR1"))
      FrameRatings.read(parquet(spark, uri), userCol, itemCol, ratingCol, weightCol, uri)
    else TextRatings.read(spark.sparkContext, uri, files, userCol, itemCol, ratingCol, weightCol)
  }

  private def parquet(spark: SparkSession, uri: String): DataFrame =
    try spark.read.parquet(uri)
    catch {
      case e: Exception =>
        val causes = Iterator.iterate[Throwable](e)(_.getCause).takeWhile(_ != null).toSeq
        val said = causes.flatMap(c => Option(c.getMessage)).mkString
        if (!said.contains("is not a Parquet file")) throw e
        throw new InvalidInput(s"$uri: what is there is not Parquet, or is damaged")
    }

  /** A model that [[Write.model]] or Python's `save` wrote. */
  def model(spark: SparkSession, uri: String): AlsModel = new ModelFiles(filesOf(spark)).load(uri)

  private[api] def filesOf(spark: SparkSession): Files =
    new Files(spark.sparkContext.hadoopConfiguration)
}

/** Models to any file system that Hadoop knows. */
object Write {

  /** Writes a folder that appears whole or not at all, and that Python's `load` reads too. */
  def model(spark: SparkSession, model: AlsModel, uri: String, overwrite: Boolean): Unit =
    new ModelFiles(Read.filesOf(spark)).save(model, uri, overwrite)

  /** The same, where there is nothing yet. */
  def model(spark: SparkSession, model: AlsModel, uri: String): Unit =
    this.model(spark, model, uri, overwrite = false)
}
