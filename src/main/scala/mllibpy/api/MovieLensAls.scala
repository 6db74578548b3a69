package mllibpy.api

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.ObjectNode
import mllibpy.algorithm.als.{Als, AlsParams}
import mllibpy.engine.InvalidInput
import org.apache.hadoop.fs.Path
import org.apache.spark.sql.SparkSession

/** A Spark job that fits ALS to MovieLens ratings, prints how well, and saves the model.
  * `examples/movielens_als.py` is the same job in Python: same options, same split, same RMSE.
  *
  * {{{
  * spark-submit --class mllibpy.api.MovieLensAls "$(mllib-py jar)" \
  *   --data hdfs://host:8020/movielens --out hdfs://host:8020/models/films --rank 16
  * }}}
  */
object MovieLensAls {
  private final val Usage =
    "--data URI --out URI [--rank N] [--reg X] [--iterations N] [--strategy NAME] [--seed N]"
  private final val Parts = Seq(0.9, 0.1)
  // What the ratings are called in a MovieLens folder, by what its films are called.
  private val folders =
    Seq("movies.dat" -> "ratings.dat", "movies.csv" -> "ratings.csv", "u.item" -> "u.data")
  private val mapper = new ObjectMapper()

  // The names of the parameters that options set; their defaults are the spec's.
  private val parameters = Map(
    "--rank" -> "rank",
    "--reg" -> "reg",
    "--iterations" -> "max_iter",
    "--strategy" -> "strategy",
    "--seed" -> "random_state"
  )

  private final case class Job(data: String, out: String, params: AlsParams)

  def main(args: Array[String]): Unit = {
    val code = run(args)
    if (code != 0) sys.exit(code)
  }

  /** Runs the job and gives the program's exit code: 0, 2 where the user can put it right, else 1.
    */
  private[api] def run(args: Array[String]): Int =
    try {
      println(fit(job(args)))
      0
    } catch {
      case e: Exception =>
        val (code, said) = sentence(e)
        System.err.println(s"MovieLensAls: $said")
        code
    }

  private def job(args: Array[String]): Job = {
    val pairs = args.toSeq
      .grouped(2)
      .map {
        case Seq(name, value) if name == "--data" || name == "--out" || parameters.contains(name) =>
          name -> value
        case other => throw new InvalidInput(s"'${other.head}' was not understood; usage: $Usage")
      }
      .toMap
    def required(name: String): String =
      pairs.getOrElse(name, throw new InvalidInput(s"$name is missing; usage: $Usage"))
    val chosen = mapper.createObjectNode()
    for ((option, name) <- parameters; value <- pairs.get(option)) put(chosen, name, value)
    Job(required("--data"), required("--out"), AlsParams.of(chosen))
  }

  private def put(chosen: ObjectNode, name: String, value: String): ObjectNode =
    value.toLongOption
      .map(chosen.put(name, _))
      .orElse(value.toDoubleOption.map(chosen.put(name, _)))
      .getOrElse(chosen.put(name, value))

  private def fit(job: Job): ObjectNode = {
    // The factors come to the driver at the end, however large they are.
    val spark = SparkSession
      .builder()
      .appName("MovieLensAls")
      .config("spark.driver.maxResultSize", "0")
      .getOrCreate()
    try {
      val files = Read.filesOf(spark)
      val ratings = Read.ratings(spark, ratingsIn(files, job.data)).keep()
      val parts = ratings.split(Parts, job.params.seed)
      val (train, test) = (parts.head, parts.last)
      val model = Als.fit(train, job.params)
      val answer = mapper.createObjectNode()
      answer.put("n_ratings", ratings.facts.count)
      answer.put("strategy", model.facts.strategy)
      answer.put("test_rmse", model.score(test).rmse)
      Write.model(spark, model, job.out, overwrite = true)
      answer
    } finally spark.stop()
  }

  /** The file of ratings of a MovieLens folder; anything else is ratings as it stands. */
  private def ratingsIn(files: Files, uri: String): String = {
    val found = files.list(uri).map(_.path).groupBy(new Path(_).getName)
    folders
      .collectFirst { case (films, ratings) if found.contains(films) => found.get(ratings) }
      .flatten
      .collect { case Seq(file) => file }
      .getOrElse(uri)
  }

  private def sentence(e: Throwable): (Int, String) = {
    val causes = Iterator.iterate(e)(_.getCause).takeWhile(_ != null).toSeq
    causes.collectFirst { case i: InvalidInput => (2, i.getMessage) }.getOrElse {
      val said = Option(causes.last.getMessage).flatMap(_.linesIterator.nextOption())
      (1, s"${causes.last.getClass.getSimpleName}: ${said.getOrElse("no message")}")
    }
  }
}
