package mllibpy.api

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import mllibpy.algorithm.cluster.{KMeans, KMeansFit, KMeansParams, MiniBatch, MiniBatchParams}
import mllibpy.algorithm.linear.LinearData
import mllibpy.kernel.cluster.Centres
import org.apache.spark.SparkContext
import org.apache.spark.sql.DataFrame

import scala.jdk.CollectionConverters._

/** The part of the door that clustering takes. */
trait ClusterDoor {
  protected def mapper: ObjectMapper
  protected def sc: SparkContext
  protected def parse(json: String): JsonNode

  /** @param start
    *   a file with the centres of each start; null where they are drawn
    */
  def kmeansFit(data: LinearData, params: String, start: String): FitHandle[KMeansFit] = {
    val m = parse(params)
    val p = paramsOf(data, m, start)
    new FitHandle(sc, s"k-means, ${p.k} clusters")((monitor, _) => KMeans(data, p, monitor))
  }

  def miniBatchFit(data: LinearData, params: String, start: String): FitHandle[KMeansFit] = {
    val m = parse(params)
    val p = paramsOf(data, m, start)
    val b = MiniBatchParams(
      m.get("batch_size").asInt,
      m.get("init_size").asInt,
      Option(m.get("max_no_improvement")).filterNot(_.isNull).map(_.asInt),
      m.get("reassignment_ratio").asDouble,
      m.get("whole").asBoolean,
      doubles(m, "counts"),
      doubles(m, "lengths")
    )
    new FitHandle(sc, s"mini-batch k-means, ${p.k} clusters")((monitor, _) =>
      MiniBatch(data, p, b, monitor)
    )
  }

  private def doubles(m: JsonNode, name: String): Array[Double] =
    m.get(name).elements.asScala.map(_.asDouble).toArray

  private def paramsOf(data: LinearData, m: JsonNode, start: String): KMeansParams = {
    val (k, n) = (m.get("k").asInt, m.get("n_init").asInt)
    val begun = Option(start).map(centres(_, n * k * data.features)).getOrElse(Array.empty)
    KMeansParams(
      k,
      begun.grouped(Math.max(1, k * data.features)).toSeq,
      m.get("init").asText,
      n,
      m.path("init_rounds").asInt(2),
      m.path("oversampling").asDouble(2),
      m.get("max_iter").asInt,
      m.get("tol").asDouble,
      m.get("cosine").asBoolean,
      m.path("empty_cluster").asText("reseed"),
      m.path("bounds").asText("auto"),
      m.get("seed").asLong,
      m.get("labels").asBoolean
    )
  }

  private def centres(path: String, n: Int): Array[Double] = {
    val in = new ArrayReader(path)
    try in.doubles(n)
    finally in.close()
  }

  /** Writes the centres, and the labels where there are any, to the file and one beside it; gives
    * what else there is to tell.
    */
  def kmeansResult(fit: KMeansFit, out: String): String = {
    ArrayWriter.doubles(out, fit.centres)
    if (fit.labels.nonEmpty) ArrayWriter.ints(s"$out.labels", Array.concat(fit.labels: _*))
    if (fit.counts.nonEmpty) ArrayWriter.doubles(s"$out.counts", fit.counts ++ fit.lengths)
    val told = mapper.createObjectNode()
    told.put("k", fit.k)
    told.put("steps", fit.steps)
    told.put("inertia", fit.inertia)
    told.put("iterations", fit.iterations)
    told.put("reason", fit.reason)
    told.put("found", fit.found)
    told.put("passes", fit.passes)
    told.put("reseeded", fit.reseeded)
    val history = told.putArray("history")
    fit.history.foreach(history.add(_))
    val scored = told.putArray("scored")
    fit.scored.foreach(scored.add(_))
    told.toString
  }

  /** The inertia of rows, with centres from a file. */
  def kmeansInertia(data: LinearData, path: String, meta: String): Double =
    KMeans.inertia(data, centresOf(path, parse(meta), _ => data.spread.mean))

  /** A DataFrame with a column more: the number of the nearest centre, or all distances. */
  def kmeansFrame(df: DataFrame, path: String, meta: String): DataFrame = {
    val m = parse(meta)
    ClusterFrames.labelled(
      df,
      LinearFrames.texts(m, "columns"),
      m.get("out").asText,
      centresOf(path, m, ClusterDoor.mean(_, m.get("k").asInt))
    )
  }

  /** @param shift
    *   what scores are taken around, of the centres' numbers; the origin with the cosine distance
    */
  private def centresOf(path: String, m: JsonNode, shift: Array[Double] => Array[Double]) = {
    val (k, features) = (m.get("k").asInt, m.get("features").asInt)
    val cosine = m.get("cosine").asBoolean
    val values = centres(path, k * features)
    val around = if (cosine) new Array[Double](features) else shift(values)
    new Centres(k, features, values, around, cosine)
  }

  /** Rows and features, of one pass that every fit needs. */
  def clusterFacts(data: LinearData): String = {
    val out = mapper.createObjectNode()
    out.put("rows", data.spread.rows)
    out.put("features", data.features)
    out.put("weight", data.spread.weight)
    out.put("partitions", data.blocks.partitions)
    out.toString
  }
}

private object ClusterDoor {

  /** The mean of k centres, around which rows near them lose no digits. */
  def mean(values: Array[Double], k: Int): Array[Double] = {
    val features = values.length / k
    Array.tabulate(features)(f => (0 until k).map(c => values(c * features + f) / k).sum)
  }
}
