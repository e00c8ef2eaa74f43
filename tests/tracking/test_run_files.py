"""What the study's run carries of the report."""

from labelled_study import Made, labelled_study

from tracking.report_writer import write_report
from tracking.run_files import put_report_files


def test_every_file_of_the_report_is_carried_and_the_page_stands_still_in_mlflow(tmp_path):
    accuracies = {"original": (0.9, 0.92), "dropout1": (0.8, None)}
    _, store = labelled_study(tmp_path / "runs", Made(accuracies=accuracies, epochs=2, n_test=50))
    files = write_report(store.folder, running=True)
    assert 'http-equiv="refresh"' in files.html.read_text()
    put_report_files(store.folder, tmp_path / "carried")
    carried = tmp_path / "carried" / "report"
    assert {path.name for path in carried.iterdir()} == {path.name for path in files.folder.iterdir()}
    assert 'http-equiv="refresh"' not in (carried / "report.html").read_text()
    assert "Running: 3 of 4 trials done." in (carried / "report.html").read_text()
    assert (carried / "means.csv").read_bytes() == files.means.read_bytes()
