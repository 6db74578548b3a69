package mllibpy.api

import com.fasterxml.jackson.databind.ObjectMapper
import mllibpy.algorithm.als.{Als, AlsParams}
import mllibpy.engine.LocalSession
import org.scalatest.funsuite.AnyFunSuite

import java.io.{ByteArrayOutputStream, PrintStream}
import java.nio.file.{Files => LocalFiles, Path}

class MovieLensAlsSuite extends AnyFunSuite with LocalSession {
  private val films = "1::Last Tram (1999)::Drama\n2::First Tram (1998)::Drama\n"
  private val lines =
    for (u <- 1 to 20; i <- 1 to 12 if (u * i) % 4 != 0) yield s"$u::$i::${1 + (u + i) % 5}::$u"

  /** A folder as GroupLens packs it. */
  private def withMovieLens(body: Path => Unit): Unit = withFolder { folder =>
    LocalFiles.writeString(folder.resolve("ratings.dat"), lines.mkString("", "\n", "\n"))
    LocalFiles.writeString(folder.resolve("movies.dat"), films)
    LocalFiles.writeString(folder.resolve("README"), "Words.\n")
    body(folder)
  }

  /** Exit code, standard output, and what is not log lines of standard error. */
  private def run(words: String*): (Int, String, String) = {
    spark // the job attaches to it, having no master of its own, and stops it
    val (out, err, before) = (new ByteArrayOutputStream, new ByteArrayOutputStream, System.err)
    System.setErr(new PrintStream(err, true))
    val code =
      try Console.withOut(out)(MovieLensAls.run(words.toArray))
      finally System.setErr(before)
    (code, out.toString, err.toString.linesIterator.filter(_.startsWith("MovieLensAls:")).mkString)
  }

  test("a job answers and saves what the same calls give") {
    withMovieLens { folder =>
      val saved = folder.resolve("model").toString
      val options = s"--data $folder --out $saved --seed 7 --rank 3 --reg 0.2 --iterations 4"
      val (code, out, _) = run(s"$options --strategy blocked".split(' ').toSeq: _*)
      assert(code == 0)

      val ratings = Read.ratings(spark, folder.resolve("ratings.dat").toString)
      val parts = ratings.split(Seq(0.9, 0.1), 7)
      val params = AlsParams()
        .set("rank", 3)
        .set("reg", 0.2)
        .set("max_iter", 4)
        .set("strategy", "blocked")
        .set("random_state", 7)
      val model = Als.fit(parts.head, params)
      val answer = new ObjectMapper().readTree(out)
      assert(answer.get("n_ratings").asLong == lines.size)
      assert(answer.get("strategy").asText == "blocked")
      assert(answer.get("test_rmse").asDouble == model.score(parts.last).rmse)
      val read = Read.model(spark, saved)
      assert(read.users.rows.sameElements(model.users.rows))
      assert(read.params.json == params.json)
    }
  }

  test("a model is replaced, anything else is not") {
    withMovieLens { folder =>
      def save(to: Path) =
        run("--data", folder.toString, "--iterations", "1", "--out", to.toString)
      assert(save(folder.resolve("model"))._1 == 0)
      assert(save(folder.resolve("model"))._1 == 0)
      val (code, _, said) = save(folder)
      assert(code == 2)
      assert(said.contains("is not a model saved by mllib_py"))
      assert(LocalFiles.exists(folder.resolve("ratings.dat")))
    }
  }

  private val refused = Seq(
    Seq("--out", "x") -> "--data is missing; usage: --data URI",
    Seq("--data", "x") -> "--out is missing; usage: --data URI",
    Seq("--data", "x", "--out") -> "'--out' was not understood",
    Seq("--data", "x", "--out", "x", "--ranks", "3") -> "'--ranks' was not understood",
    Seq("--data", "x", "--out", "x", "--rank", "2.5") -> "rank must be an integer, not 2.5",
    Seq("--data", "x", "--out", "x", "--reg", "much") -> "reg must be a finite number",
    Seq("--data", "x", "--out", "x", "--seed", "1e3") -> "random_state must be an integer",
    Seq("--data", "x", "--out", "x", "--strategy", "fast") -> "strategy must be one of",
    Seq("--data", "/no/such", "--out", "x") -> "there is no file at /no/such",
    Seq("--data", "hdfs://127.0.0.1:1/x", "--out", "x") ->
      "hdfs://127.0.0.1:1/x cannot be reached: Connection refused"
  )

  for ((words, about) <- refused)
    test(s"refused: ${words.mkString(" ")}") {
      val (code, out, said) = run(words: _*)
      assert(code == 2)
      assert(out.isEmpty)
      assert(said.startsWith("MovieLensAls: ") && said.contains(about))
    }
}
