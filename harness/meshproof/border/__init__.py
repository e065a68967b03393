"""The frozen records that cross from one layer to the next. Data only: nothing here acts."""
