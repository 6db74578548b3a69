package mllibpy.api

import com.fasterxml.jackson.databind.node.ObjectNode
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import mllibpy.algorithm.als.{
  AlsModel,
  AlsParams,
  Cluster,
  ClusterFacts,
  FactorTable,
  FoldIn,
  Ratings,
  Shape,
  Side,
  StrategyCost
}
import mllibpy.engine.{DenseTiles, InvalidInput}
import mllibpy.kernel.WarmUp
import org.apache.spark.SparkContext
import org.apache.spark.api.java.JavaRDD
import org.apache.spark.sql.{DataFrame, SparkSession}

import scala.jdk.CollectionConverters._

/** The one door from Python: parameters as JSON, data and models as handles, arrays as files of
  * bytes.
  */
object Door {
  private val mapper = new ObjectMapper()
  private def spark: SparkSession = SparkSession.active
  private def sc: SparkContext = spark.sparkContext
  private def files: Files = Read.filesOf(spark)
  private def parse(json: String): JsonNode = mapper.readTree(json)

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
  def check(params: String): Unit = { paramsOf(params); () }

  private def paramsOf(params: String): AlsParams =
    AlsParams.of(parse(params).asInstanceOf[ObjectNode])

  def fit(r: Ratings, params: String): FitHandle = new FitHandle(sc, r, paramsOf(params))

  /** Costs of the strategies for these ratings, on this cluster or a pretended one. */
  def explain(r: Ratings, params: String, cluster: String): String = {
    val p = paramsOf(params)
    r.facts
    val shape = Shape(r.userCount, r.itemCount, r.facts.count, p.rank, p.maxIter)
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

  /** Rows of ids: reads ids (int64, or texts) from a file, writes int32 rows, -1 where unknown. */
  private def rows(in: ArrayReader, n: Int, t: FactorTable, texts: Boolean): Array[Int] =
    if (texts) in.texts(n).map(t.rowOf(_)) else in.longs(n).map(t.rowOf(_))

  private def known(rows: Array[Int], what: String, m: AlsModel): Unit =
    if (m.params.coldStart == "error") {
      val unknown = rows.count(_ < 0)
      InvalidInput.unless(
        unknown == 0,
        s"$unknown of the ${what}s asked for were not in the training data; leave them out, or choose another cold_start"
      )
    }

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
      val users = rows(in, n, m.users, textUsers)
      val items = rows(in, n, m.items, textItems)
      known(users, "user", m)
      known(items, "item", m)
      ArrayWriter.floats(out, Array.tabulate(n)(i => m.predict(users(i), items(i))))
    } finally in.close()
  }

  /** Answers "items", "users", "similar items" or "similar users" for the n ids in the file (for
    * all, in order, where n < 0). Behind them in the file stand the ids of the candidates, where
    * `meta` has their number. Out: n + 1 starts, rows found, scores. Gives the number of ids
    * unknown to the model.
    */
  def recommend(m: AlsModel, path: String, meta: String, out: String): Int = {
    val j = parse(meta)
    val (kind, n, k) = (text(j, "kind"), j.get("n").asInt, j.get("k").asInt)
    val side = if (kind == "items" || kind == "similar users") "user" else "item"
    val found = if (kind == "items" || kind == "similar items") "item" else "user"
    val in = new ArrayReader(path)
    val (asked, candidates) =
      try {
        val t = table(m, side)
        val asked = if (n < 0) Array.range(0, t.size) else rows(in, n, t, t.names != null)
        (asked, candidatesOf(in, j, table(m, found)))
      } finally in.close()
    known(asked, side, m)
    val present = asked.filter(_ >= 0)
    val excludeSeen = j.get("exclude_seen").asBoolean
    val answer = kind match {
      case "items"         => m.recommend(sc, present, k, excludeSeen, candidates)
      case "users"         => m.recommendUsers(sc, present, k, excludeSeen, candidates)
      case "similar items" => m.similar(sc, Side.Item, present, k, candidates)
      case _               => m.similar(sc, Side.User, present, k, candidates)
    }
    var next = 0
    val start = asked.scanLeft(0) { (at, row) =>
      if (row < 0) at
      else {
        next += 1
        answer.start(next)
      }
    }
    ArrayWriter.ints(s"$out.start", start)
    ArrayWriter.ints(s"$out.items", answer.items)
    ArrayWriter.floats(s"$out.scores", answer.scores)
    asked.count(_ < 0)
  }

  /** Rows of the ids to choose from ("allow") or to leave out ("deny"), ascending. */
  private def candidatesOf(in: ArrayReader, j: JsonNode, t: FactorTable): Option[Array[Int]] = {
    def read(n: Int) = rows(in, n, t, t.names != null).filter(_ >= 0).toSet
    val allowed = Option(j.get("allow")).map(n => read(n.asInt))
    val denied = Option(j.get("deny")).map(n => read(n.asInt)).getOrElse(Set.empty)
    if (allowed.isEmpty && denied.isEmpty) None
    else Some(Array.range(0, t.size).filter(i => allowed.forall(_(i)) && !denied(i)))
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
