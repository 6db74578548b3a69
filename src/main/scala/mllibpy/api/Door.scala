package mllibpy.api

import com.fasterxml.jackson.databind.node.ObjectNode
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import mllibpy.algorithm.als.{
  Als,
  AlsModel,
  AlsParams,
  Cluster,
  ClusterFacts,
  Extras,
  FactorTable,
  FoldIn,
  PartialFit,
  Ratings,
  Recommender,
  Side,
  StrategyCost
}
import mllibpy.engine.{DenseTiles, InvalidInput}
import mllibpy.kernel.WarmUp
import org.apache.spark.SparkContext
import org.apache.spark.api.java.JavaRDD
import org.apache.spark.sql.{DataFrame, SparkSession}

import scala.jdk.CollectionConverters._

/** Recommendations as a DataFrame, and how many of the ids asked for are unknown to the model and
  * to be told of.
  */
final class FrameAnswer(val frame: DataFrame, val unknown: Int)

/** The one door from Python: parameters as JSON, data and models as handles, arrays as files of
  * bytes.
  */
object Door extends LinearDoor with ClusterDoor with DecompositionDoor {
  protected val mapper = new ObjectMapper()
  protected def spark: SparkSession = SparkSession.active
  protected def sc: SparkContext = spark.sparkContext
  private def files: Files = Read.filesOf(spark)
  protected def parse(json: String): JsonNode = mapper.readTree(json)

  /** Has the kernels compiled while the caller gets its data ready. */
  def warmUp(): Unit = WarmUp.start()

  // ---- ratings in

  def ratingsFromArrays(path: String, meta: String): Ratings =
    ColumnRatings.fromFile(sc, path, parse(meta))

  def ratingsFromFrame(df: DataFrame, meta: String): Ratings = {
    val m = parse(meta)
    FrameRatings.read(
      df,
      text(m, "user_col"),
      text(m, "item_col"),
      text(m, "rating_col"),
      weightCol(m),
      text(m, "source")
    )
  }

  def ratingsFromBytes(chunks: JavaRDD[Array[Byte]], meta: String): Ratings = {
    val m = parse(meta)
    ColumnRatings.fromBytes(
      chunks.rdd,
      m.get("textUsers").asBoolean,
      m.get("textItems").asBoolean,
      m.path("weighted").asBoolean,
      text(m, "source")
    )
  }

  def ratingsFromUri(uri: String, meta: String): Ratings = {
    val m = parse(meta)
    Read.ratings(
      spark,
      uri,
      text(m, "user_col"),
      text(m, "item_col"),
      text(m, "rating_col"),
      weightCol(m)
    )
  }

  private def weightCol(m: JsonNode): Option[String] =
    Option(m.get("weight_col")).filterNot(_.isNull).map(_.asText)

  private def text(m: JsonNode, key: String): String = m.get(key).asText

  // ---- ratings asked

  def keep(r: Ratings): Unit = { r.keep(); () }
  def release(r: Ratings): Unit = r.release()

  /** Whether ratings have weights; no work. */
  def weighted(r: Ratings): Boolean = r.weighted

  def facts(r: Ratings): String = {
    val f = r.facts
    val out = mapper.createObjectNode()
    out.put("count", f.count)
    out.put("mean", f.mean)
    out.put("timed", r.timed)
    out.put("users", r.users.kind)
    out.put("items", r.items.kind)
    out.toString
  }

  def counts(r: Ratings): String = {
    r.facts
    s"[${r.userCount}, ${r.itemCount}]"
  }

  def rmseOfConstant(r: Ratings, c: Double): Double = r.facts.rmseOfConstant(c)

  /** [[value, count], ...] by value. */
  def histogram(r: Ratings): String = {
    r.facts
    mapper.writeValueAsString(r.histogram.map { case (v, n) => Seq[Any](v, n).asJava }.asJava)
  }

  /** [[id, count], ...]. */
  def topItems(r: Ratings, n: Int): String = {
    r.facts
    val rows = r.topItems(n).map { case (key, count) =>
      val id: Any =
        if (r.items.kind == "integer") mllibpy.kernel.Scramble.unmix(key) else r.items.textOf(key)
      Seq[Any](id, count).asJava
    }
    mapper.writeValueAsString(rows.asJava)
  }

  def split(r: Ratings, json: String): java.util.List[Ratings] = {
    val m = parse(json)
    val weights = m.get("weights").elements.asScala.map(_.asDouble).toSeq
    val seed = m.get("seed").asLong
    (text(m, "by") match {
      case "time" => r.splitByTime(weights)
      case "user" => r.splitByUser(weights, seed)
      case _      => r.split(weights, seed)
    }).asJava
  }

  /** The first part, then the last ratings. */
  def leaveLast(r: Ratings, k: Int): java.util.List[Ratings] = {
    val (train, test) = r.leaveLast(k)
    Seq(train, test).asJava
  }

  /** Train and test of each fold, one after the other. */
  def kfold(r: Ratings, n: Int, seed: Long): java.util.List[Ratings] =
    r.kfold(n, seed).flatMap { case (train, test) => Seq(train, test) }.asJava

  def union(a: Ratings, b: Ratings): Ratings = a.union(b)

  // ---- ALS

  /** Checks parameters without any work. */
  def check(params: String): Unit = paramsOf(params).refuseIdle()

  private def paramsOf(params: String): AlsParams =
    AlsParams.of(parse(params).asInstanceOf[ObjectNode])

  def fit(r: Ratings, params: String): FitHandle[AlsModel] =
    fit(r, params, null, null, watched = false)

  /** A fit that may start from a model, be judged by other ratings, and wait for its watcher after
    * each iteration; null where it does not.
    */
  def fit(
      r: Ratings,
      params: String,
      init: AlsModel,
      validation: Ratings,
      watched: Boolean
  ): FitHandle[AlsModel] = {
    val p = paramsOf(params)
    new FitHandle(sc, s"ALS, rank ${p.rank}")((monitor, watch) =>
      Als.fit(
        r,
        p,
        monitor,
        Extras(Option(init), Option(validation), if (watched) Some(watch) else None)
      )
    )
  }

  /** One more iteration over a model's ratings and new ones, see [[PartialFit]]. */
  def partialFit(m: AlsModel, r: Ratings, params: String): FitHandle[AlsModel] = {
    val p = paramsOf(params)
    new FitHandle(sc, s"ALS, rank ${p.rank}")((monitor, _) => PartialFit(m, r, p, monitor))
  }

  /** Costs of the strategies for these ratings, on this cluster or a pretended one. */
  def explain(r: Ratings, params: String, cluster: String): String = {
    val p = paramsOf(params)
    r.facts
    val shape = p.shape(r.userCount, r.itemCount, r.facts.count, r.weighted)
    val facts = pretend(Cluster.facts(sc), parse(cluster))
    val costs = StrategyCost.all(shape, facts)
    CostJson
      .of(
        shape,
        facts,
        costs,
        if (p.strategy == "auto") StrategyCost.choose(costs).strategy else p.strategy
      )
      .toString
  }

  private def pretend(here: ClusterFacts, j: JsonNode): ClusterFacts =
    if (j.isEmpty) here
    else {
      val memory = j.path("memory").asLong(here.memory)
      ClusterFacts(
        j.path("executors").asInt(here.executors),
        j.path("cores").asInt(here.cores),
        memory,
        j.path("driver_memory").asLong(here.driverMemory),
        local = false,
        j.path("bandwidth").asDouble(here.bandwidth)
      )
    }

  def modelInfo(m: AlsModel): String = {
    val out = ModelJson.of(m.facts)
    out.put("n_users", m.users.size)
    out.put("n_items", m.items.size)
    out.put("users", if (m.users.names == null) "integer" else "text")
    out.put("items", if (m.items.names == null) "integer" else "text")
    out.set[ObjectNode]("params", m.params.json)
    out.toString
  }

  /** Writes an array of a side ("user" or "item"): "ids" or "factors". */
  def writeSide(m: AlsModel, side: String, what: String, path: String): Unit = {
    val t = table(m, side)
    if (what == "factors") ArrayWriter.floats(path, t.rows)
    else if (t.names == null) ArrayWriter.longs(path, t.integerIds)
    else ArrayWriter.texts(path, t.names)
  }

  private def table(m: AlsModel, side: String): FactorTable =
    if (side == "user") m.users else m.items

  /** Scores of pairs: users, then items in the file; float32 out. */
  def predict(
      m: AlsModel,
      path: String,
      n: Int,
      textUsers: Boolean,
      textItems: Boolean,
      out: String
  ): Unit = {
    val in = new ArrayReader(path)
    try {
      val users = Ids.read(in, n, textUsers).rowsIn(m.users)
      val items = Ids.read(in, n, textItems).rowsIn(m.items)
      ColdStart.check(m, users, "user")
      ColdStart.check(m, items, "item")
      ArrayWriter.floats(out, Array.tabulate(n)(i => m.predict(users(i), items(i))))
    } finally in.close()
  }

  /** A DataFrame with a column of predictions more. */
  def predictFrame(m: AlsModel, df: DataFrame, userCol: String, itemCol: String): DataFrame =
    PredictionsFrame.of(m, df, userCol, itemCol)

  /** Answers what is asked (see [[Asking]]) with files: n + 1 starts, rows found, scores. Gives the
    * number of ids unknown to the model that are to be told of.
    */
  def recommend(m: AlsModel, path: String, meta: String, out: String): Int = {
    val asking = Asking.of(m, path, parse(meta))
    val answer = Recommender.ask(sc, asking.question)
    ArrayWriter.ints(s"$out.start", answer.start)
    ArrayWriter.ints(s"$out.items", answer.items)
    ArrayWriter.floats(s"$out.scores", answer.scores)
    asking.unknown
  }

  /** Answers what is asked with a DataFrame; `meta` names its columns, too. */
  def recommendFrame(m: AlsModel, path: String, meta: String): FrameAnswer = {
    val j = parse(meta)
    val asking = Asking.of(m, path, j)
    val frame = RecommendationsFrame.of(spark, asking, text(j, "asker"), text(j, "found"))
    new FrameAnswer(frame, asking.unknown)
  }

  /** Writes such a DataFrame as a folder of Parquet files, from the executors. */
  def writeFrame(frame: DataFrame, uri: String, overwrite: Boolean): Unit =
    ParquetFolder.write(files, frame, uri, overwrite)

  /** Refuses a folder that [[writeFrame]] would refuse. */
  def checkFolder(uri: String, overwrite: Boolean): Unit =
    ParquetFolder.check(files, uri, overwrite)

  /** What a user rated: reads the ids of a user and of an item from a file, writes the rows of his
    * items and his ratings of them, ascending. Gives the row of the item.
    */
  def rated(m: AlsModel, path: String, out: String): Int = {
    val in = new ArrayReader(path)
    val (user, item) =
      try
        (
          Ids.read(in, 1, m.users.names != null).rowsIn(m.users).head,
          Ids.read(in, 1, m.items.names != null).rowsIn(m.items).head
        )
      finally in.close()
    for ((row, what) <- Seq((user, "user"), (item, "item")))
      InvalidInput.unless(row >= 0, s"the $what asked for was not in the training data")
    val values = m.seen.valuesOf(user)
    val start = m.seen.start
    ArrayWriter.ints(
      s"$out.items",
      java.util.Arrays.copyOfRange(m.seen.items, start(user), start(user + 1))
    )
    ArrayWriter.floats(s"$out.values", values)
    item
  }

  /** A first iteration, for a model that others will follow. */
  def firstFit(r: Ratings, params: String): FitHandle[AlsModel] = {
    val p = paramsOf(params)
    new FitHandle(sc, s"ALS, rank ${p.rank}")((monitor, _) => PartialFit.first(r, p, monitor))
  }

  /** A model of new users or items, see [[FoldIn]]. */
  def foldIn(m: AlsModel, r: Ratings, side: String): AlsModel =
    FoldIn(m, r, if (side == "user") Side.User else Side.Item)

  def score(m: AlsModel, r: Ratings): String = {
    val s = m.score(r)
    s"""{"rmse": ${s.rmse}, "count": ${s.count}, "unknown": ${s.unknown}}"""
  }

  /** A side's factors as a DataFrame of (id, features). */
  def factorsFrame(m: AlsModel, side: String, idCol: String): DataFrame =
    FactorsFrame.of(spark, table(m, side), idCol)

  def save(m: AlsModel, uri: String, overwrite: Boolean): Unit =
    Write.model(spark, m, uri, overwrite)
  def load(uri: String): AlsModel = Read.model(spark, uri)

  // ---- matrices and files

  /** A float32 matrix in row order, as tiles. */
  def matrixFromArrays(path: String, rows: Long, columns: Int): DenseTiles =
    MatrixTiles.fromFile(sc, path, rows, columns)

  def matrixRows(m: DenseTiles): Long = m.rdd.map(_.rows.toLong).reduce(_ + _)
  def releaseMatrix(m: DenseTiles): Unit = m.release()

  def listFiles(uri: String): java.util.List[String] = files.list(uri).map(_.path).asJava
  def readFile(uri: String, limit: Long, out: String): Unit = {
    java.nio.file.Files.write(java.nio.file.Paths.get(out), files.bytes(uri, limit))
    ()
  }
  def writeFile(uri: String, from: String): Unit =
    files.write(uri)(out => { java.nio.file.Files.copy(java.nio.file.Paths.get(from), out); () })
}
