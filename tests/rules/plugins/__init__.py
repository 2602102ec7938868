"""Small plugins for the tests of the grammar."""
