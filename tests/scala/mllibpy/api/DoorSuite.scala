package mllibpy.api

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import mllibpy.algorithm.als.{Cluster, AlsModel, Samples}
import mllibpy.engine.{InvalidInput, LocalSession}
import org.apache.spark.sql.functions.{col, lit, when}
import org.scalatest.funsuite.AnyFunSuite

import java.nio.file.Path

/** What Python sees: JSON, handles, files of arrays. */
class DoorSuite extends AnyFunSuite with LocalSession {
  private val mapper = new ObjectMapper()
  private def json(text: String): JsonNode = mapper.readTree(text)

  private def model: AlsModel = Samples.model(
    Samples.texts(Seq("ann", "bob"), 1, 1, -1),
    Samples.table(Seq(10, 20, 30), 1, 1, 2, 3),
    Samples.seen(Seq(Seq(2), Seq()))
  )

  private def ints(path: Path, n: Int) = {
    val in = new ArrayReader(path.toString);
    try in.ints(n).toSeq
    finally in.close()
  }
  private def floats(path: Path, n: Int) = {
    val in = new ArrayReader(path.toString);
    try in.floats(n).toSeq
    finally in.close()
  }

  /** Texts, then integers, as Python writes them. */
  private def ask(path: Path, texts: Seq[String], longs: Seq[Long]): Unit = {
    val names = path.resolveSibling("names")
    ArrayWriter.texts(names.toString, texts.toArray)
    val numbers = path.resolveSibling("numbers")
    ArrayWriter.longs(numbers.toString, longs.toArray)
    java.nio.file.Files.write(
      path,
      java.nio.file.Files.readAllBytes(names) ++ java.nio.file.Files.readAllBytes(numbers)
    )
    ()
  }

  test("facts, counts, histogram, top items and splits as JSON") {
    val r = Samples.ratings(sc, Seq((1L, 10L, 3f), (2L, 10L, 4f), (2L, 20L, 3f)))
    val f = json(Door.facts(r))
    assert(f.get("count").asInt == 3 && Math.abs(f.get("mean").asDouble - 10.0 / 3) < 1e-12)
    assert(!f.get("timed").asBoolean && f.get("users").asText == "integer")
    assert(json(Door.counts(r)) == json("[2, 2]"))
    assert(Door.histogram(r) == "[[3.0,2],[4.0,1]]" && Door.topItems(r, 1) == "[[10,2]]")
    val parts = Door.split(r, """{"weights": [1, 1], "by": "random", "seed": 3}""")
    assert(parts.size == 2 && parts.get(0).union(parts.get(1)).facts.count == 3)
    assert(Math.abs(Door.rmseOfConstant(r, 3) - Math.sqrt(1.0 / 3)) < 1e-12)
  }

  test("parameters are checked without a fit") {
    Door.check("""{"rank": 3}""")
    assert(
      intercept[InvalidInput](
        Door.check("""{"rank": 0}""")
      ).getMessage == "rank must be at least 1, not 0"
    )
  }

  test("explain prices all strategies on a pretended cluster, and says why") {
    val r = Samples.ratings(sc)
    val far =
      json(Door.explain(r, "{}", """{"executors": 1000, "cores": 16, "memory": 40000000000}"""))
    assert(
      far.get("shape").get("ratings").asInt == Samples.triples.length && far
        .get("shape")
        .get("rank")
        .asInt == 10
    )
    assert(
      far.get("cluster").get("executors").asInt == 1000 && !far
        .get("cluster")
        .get("local")
        .asBoolean
    )
    assert(far.get("cluster").get("driver_memory").asLong == Cluster.facts(sc).driverMemory)
    assert(far.get("strategies").size == 4 && far.get("chosen").asText == "data-parallel")
    assert(far.get("reason").asText.startsWith("the fastest that fits"))
    val small = json(
      Door.explain(
        r,
        "{}",
        """{"executors": 2, "cores": 1, "memory": 1000, "driver_memory": 1000}"""
      )
    )
    assert(
      small.get("reason").asText.startsWith("none fits; this one needs the least memory: needs ")
    )
    for (i <- 0 until 4) assert(!small.get("strategies").get(i).get("feasible").asBoolean)
    val named = json(Door.explain(r, """{"strategy": "blocked"}""", "{}"))
    assert(
      named.get("chosen").asText == "blocked" && named.get("reason").asText == "asked for by name"
    )
    assert(
      named.get("cluster").get("local").asBoolean && named.get("cluster").get("cores").asInt == 2
    )
  }

  test("a fit runs on its own thread, tells its progress, and gives the model") {
    val fit = Door.fit(Samples.ratings(sc), """{"rank": 2, "max_iter": 3}""")
    val m = fit.model()
    assert(fit.waitFor(0))
    val p = json(fit.progress)
    assert(
      p.get("done").asInt == 6 && p.get("phase").asText == "gathering the model" && p
        .get("objective")
        .asDouble > 0
    )
    val info = json(Door.modelInfo(m))
    assert(info.get("n_users").asInt == m.users.size && info.get("n_iter").asInt == 3)
    assert(info.get("params").get("rank").asInt == 2 && info.get("history").size == 6)
    assert(
      info.get("history").get(0).get("side").asText == "user" && info
        .get("users")
        .asText == "integer"
    )
    val score = json(Door.score(m, Samples.ratings(sc)))
    assert(score.get("count").asInt == Samples.triples.length && score.get("rmse").asDouble < 2)
  }

  test("a fit that fails throws what was wrong; a cancelled one ends") {
    val bad = Door.fit(Samples.ratings(sc, Nil), "{}")
    assert(intercept[InvalidInput](bad.model()).getMessage.contains("there are no ratings"))
    val long = Door.fit(Samples.ratings(sc), """{"rank": 2, "max_iter": 1000000}""")
    while (json(long.progress).get("done").asInt < 2) Thread.sleep(5)
    long.cancel()
    assert(long.waitFor(0))
    intercept[Exception](long.model())
  }

  test("predict: ids in a file, scores out; unknown ones by cold_start") {
    withFolder { folder =>
      val (in, out) = (folder.resolve("in"), folder.resolve("out"))
      ask(in, Seq("ann", "bob", "eve", "ann"), Seq(10, 30, 10, 99))
      Door.predict(model, in.toString, 4, textUsers = true, textItems = false, out.toString)
      val scores = floats(out, 4)
      assert(scores.take(2) == Seq(1f, -3f) && scores.drop(2).forall(_.isNaN))
      val strict = Samples.model(model.users, model.items, model.seen, "cold_start" -> "error")
      val e = intercept[InvalidInput](
        Door.predict(strict, in.toString, 4, textUsers = true, textItems = false, out.toString)
      )
      assert(e.getMessage.startsWith("1 of the users asked for were not in the training data"))
    }
  }

  test("recommend: starts, items, scores; strangers get none and are counted") {
    withFolder { folder =>
      val (in, out) = (folder.resolve("in"), folder.resolve("out"))
      ask(in, Seq("bob", "eve", "ann"), Nil)
      assert(
        Door.recommend(
          model,
          in.toString,
          """{"kind": "items", "n": 3, "k": 2, "exclude_seen": true}""",
          out.toString
        ) == 1
      )
      assert(ints(folder.resolve("out.start"), 4) == Seq(0, 2, 2, 4))
      assert(ints(folder.resolve("out.items"), 4) == Seq(0, 1, 1, 0))
      assert(floats(folder.resolve("out.scores"), 4) == Seq(-1f, -2f, 2f, 1f))
      val all = folder.resolve("all")
      assert(
        Door.recommend(
          model,
          in.toString,
          """{"kind": "items", "n": -1, "k": 1, "exclude_seen": false}""",
          all.toString
        ) == 0
      )
      assert(ints(folder.resolve("all.items"), 2) == Seq(2, 0))
    }
  }

  test("ids and factors of a side, as files and as a DataFrame") {
    withFolder { folder =>
      val out = folder.resolve("out")
      Door.writeSide(model, "item", "factors", out.toString)
      assert(floats(out, 3) == Seq(1f, 2f, 3f))
      Door.writeSide(model, "user", "ids", folder.resolve("names").toString)
      val names = new ArrayReader(folder.resolve("names").toString)
      try assert(names.texts(2).toSeq == Seq("ann", "bob"))
      finally names.close()
    }
    val rows = Door.factorsFrame(model, "item", "movie").collect()
    assert(
      rows.map(_.getLong(0)).toSeq == Seq(10L, 20L, 30L) && rows(1).getSeq[Float](1) == Seq(2f)
    )
    assert(Door.factorsFrame(model, "user", "u").columns.toSeq == Seq("u", "features"))
  }

  test("ratings from a DataFrame; a missing or wrong column is named") {
    val df = spark
      .range(20)
      .select(col("id").as("u"), (col("id") % 3).cast("string").as("i"), lit(2.5).as("r"))
    def meta(user: String = "u", rating: String = "r") =
      s"""{"user_col": "$user", "item_col": "i", "rating_col": "$rating", "source": "the frame"}"""
    val ratings = Door.ratingsFromFrame(df, meta())
    assert(ratings.facts.count == 20 && ratings.items.kind == "text" && ratings.itemCount == 3)
    ratings.release()
    def refused(df: org.apache.spark.sql.DataFrame, m: String) =
      intercept[InvalidInput](Door.ratingsFromFrame(df, m).facts)
    assert(
      refused(
        df,
        meta(user = "who")
      ).getMessage == "the frame has no column 'who'; name one of its columns with user_col: u, i, r"
    )
    assert(refused(df, meta(rating = "i")).kind == "type")
    assert(
      refused(df.withColumn("u", lit(1.5)), meta()).getMessage
        .contains("must hold integer or text ids, not double")
    )
    val nulls = df.withColumn("r", when(col("u") < 4, lit(1.0)))
    assert(
      refused(
        nulls,
        meta()
      ).getMessage == "the frame: column 'r' has 16 null values; drop or fill them"
    )
  }

  test("ratings from arrays in a file") {
    withFolder { folder =>
      val path = folder.resolve("in")
      ask(path, Nil, Nil)
      val bytes = java.nio.ByteBuffer.allocate(3 * 20).order(java.nio.ByteOrder.LITTLE_ENDIAN)
      for (u <- Seq(1L, 1L, 2L)) bytes.putLong(u)
      for (i <- Seq(5L, 6L, 5L)) bytes.putLong(i)
      for (r <- Seq(1f, 2f, 3f)) bytes.putFloat(r)
      java.nio.file.Files.write(path, bytes.array)
      val ratings = Door.ratingsFromArrays(
        path.toString,
        """{"n": 3, "timed": false, "userNames": 0, "itemNames": 0, "source": "arrays"}"""
      )
      assert(
        ratings.facts.count == 3 && ratings.userCount == 2 && Door.topItems(ratings, 1) == "[[5,2]]"
      )
      Door.release(ratings)
    }
  }
}
