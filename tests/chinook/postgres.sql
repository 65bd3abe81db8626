-- What the road needs of Chinook, on PostgreSQL: its customers and invoices.
CREATE TABLE Customer (CustomerId INT PRIMARY KEY, FirstName VARCHAR(40) NOT NULL, LastName VARCHAR(20) NOT NULL,
    Company VARCHAR(80), Address VARCHAR(70), City VARCHAR(40), State VARCHAR(40), Country VARCHAR(40),
    PostalCode VARCHAR(10), Phone VARCHAR(24), Fax VARCHAR(24), Email VARCHAR(60) NOT NULL, SupportRepId INT);
CREATE TABLE Invoice (InvoiceId INT PRIMARY KEY, CustomerId INT NOT NULL REFERENCES Customer, InvoiceDate TIMESTAMP NOT NULL,
    BillingAddress VARCHAR(70), BillingCity VARCHAR(40), BillingState VARCHAR(40), BillingCountry VARCHAR(40),
    BillingPostalCode VARCHAR(10), Total NUMERIC(10, 2) NOT NULL);
